using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>packaging/cloud-init/release.sh with a simulated aliyun. <see cref="CloudInitTests"/> runs what it runs on instances.</summary>
public sealed class ReleaseScriptTests : IDisposable
{
    private readonly RunFolder folder = new("release");
    private readonly SimulatedAliyun cloud;

    public ReleaseScriptTests() => cloud = new SimulatedAliyun(Path.Combine(folder.Path, "bin"));

    public void Dispose()
    {
        cloud.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Instances_are_released_one_after_the_other_with_the_program_of_the_user_data()
    {
        var result = await RunAsync(cloud.SearchPath, null, "cn-hangzhou", "i-node", "i-etcd");

        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Equal("i-node: 10.24.5.0/24 released\ni-node released\ni-etcd: 10.24.5.0/24 released\ni-etcd released\n", result.Output);
        Assert.Equal(["cn-hangzhou i-node", "cn-hangzhou i-etcd"], cloud.Released());
        Assert.All(Templates.Roles, role => Assert.Contains(
            Templates.Yaml(Templates.UserData(role))["write_files"]!.AsArray(), file => cloud.Calls()[0].Contains(
                $"--CommandContent {(string?)file!["path"]} ", StringComparison.Ordinal)));
        Assert.Contains("--InvokeId t-1 ", cloud.Calls()[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_release_says_what_to_do_and_ends_before_the_next_instance()
    {
        cloud.Result("Failed", "10.24.5.0/24 not released: no route controller");
        var result = await RunAsync(cloud.SearchPath, null, "cn-hangzhou", "i-node", "i-etcd");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("i-node: 10.24.5.0/24 not released: no route controller\n", result.Output, StringComparison.Ordinal);
        Assert.StartsWith("release.sh: i-node not released: command t-1 is Failed", result.Error, StringComparison.Ordinal);
        Assert.Contains("FLANNEL_SKIP_RELEASE=1", result.Error, StringComparison.Ordinal);
        Assert.Single(cloud.Released());
    }

    [Fact]
    public async Task The_reason_of_Cloud_Assistant_is_shown()
    {
        cloud.Result("Aborted", "", "The aliyun service is not running on the instance");
        var result = await RunAsync(cloud.SearchPath, null, "cn-hangzhou", "i-node");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("is Aborted (The aliyun service is not running on the instance)", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ERROR: SDK.ServerError\nErrorCode: InvalidInstance.NotFound\n", 0)]
    [InlineData("ERROR: SDK.ServerError\nErrorCode: InvalidInstanceId.NotFound\n", 0)]
    [InlineData("ERROR: SDK.ServerError\nErrorCode: Forbidden.RAM\n", 1)]
    [InlineData("ERROR: SDK.ServerError\nErrorCode: InvalidOperation.InstanceNotRunning\n", 1)]
    public async Task Only_an_instance_that_does_not_exist_is_no_error(string answer, int exitCode)
    {
        cloud.Answer(answer, exitCode: 1);
        var result = await RunAsync(cloud.SearchPath, null, "cn-hangzhou", "i-node");
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal(exitCode == 0, result.Output.Contains("i-node does not exist: nothing to release", StringComparison.Ordinal));
        Assert.Equal(exitCode != 0, result.Error.Contains("i-node not released: ERROR", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wrong_usage_and_a_missing_CLI_are_named_and_the_release_can_be_skipped()
    {
        Assert.Contains("usage: release.sh REGION INSTANCE...",
            (await RunAsync(cloud.SearchPath, null, "cn-hangzhou")).Error, StringComparison.Ordinal);
        var missing = await RunAsync("/usr/bin:/bin", null, "cn-hangzhou", "i-node");
        Assert.Equal((1, true), (missing.ExitCode, missing.Error.Contains("missing aliyun", StringComparison.Ordinal)));
        var skipped = await RunAsync("/usr/bin:/bin", "1", "cn-hangzhou", "i-node");
        Assert.Equal((0, "FLANNEL_SKIP_RELEASE is set: not released: i-node\n"), (skipped.ExitCode, skipped.Output));
        Assert.Empty(cloud.Calls());
    }

    private static Task<CommandResult> RunAsync(string path, string? skip, params string[] arguments) => ProcessCommand.TryRunAsync(
        new ProgramStart("/bin/sh", [Templates.PathOf("cloud-init", "release.sh"), .. arguments])
        {
            Environment = new Dictionary<string, string>
            {
                ["PATH"] = path,
                ["FLANNEL_RELEASE_POLL"] = "0",
                ["FLANNEL_SKIP_RELEASE"] = skip ?? "",
            },
        },
        TestContext.Current.CancellationToken);
}
