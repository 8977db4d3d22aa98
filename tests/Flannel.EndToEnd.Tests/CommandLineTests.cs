using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Help, version and error messages of the command line.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("--no-such-flag", "no-such-flag")]
    [InlineData("--etcd-prefx=/x", "etcd-prefix")]
    [InlineData("--subnet-lease-renew-margin=0", "1439")]
    [InlineData("-subnet-lease-renew-margin=1440", "1439")]
    [InlineData("--kube-subnet-mgr=perhaps", "kube-subnet-mgr")]
    [InlineData("--kube-annotation-prefix=a/b/c", "kube-annotation-prefix")]
    [InlineData("--public-ip=010.0.0.1", "public-ip")]
    [InlineData("--etcd-endpoints=ftp://127.0.0.1", "etcd-endpoints")]
    [InlineData("--route-controller=perhaps", "route-controller")]
    [InlineData("--healthz-port=65536", "healthz-port")]
    [InlineData("--iface-regex=(", "iface-regex")]
    [InlineData("--ip-masq=maybe", "ip-masq")]
    [InlineData("surplus", "surplus")]
    public async Task An_invalid_command_line_is_reported_in_one_line_and_exits_with_2(string argument, string named)
    {
        var result = await RunAsync([argument]);
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        var line = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(named, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FLANNELD_SUBNET_LEASE_RENEW_MARGIN", "no number")]
    [InlineData("FLANNELD_KUBE_SUBNET_MGR", "perhaps")]
    public async Task An_invalid_environment_variable_is_reported_in_one_line_and_exits_with_2(string variable, string value)
    {
        var result = await RunAsync([], new Dictionary<string, string> { [variable] = value });
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Contains(variable, Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/no/such/file", "--etcd-username=u", "--etcd-password-file=/no/such/file")]
    [InlineData("nosuch0", "--iface=nosuch0")]
    [InlineData("/no/such/file", "--etcd-endpoints=https://127.0.0.1:2379", "--etcd-cafile=/no/such/file")]
    [InlineData("/no/such/file", "--access-key-file=/no/such/file")]
    [InlineData("etcd: 127.0.0.1:1: connection refused", "--dry-run")]
    // Catastrophic backtracking: without a time limit the match practically does not end.
    [InlineData("no interface matches", "--iface-regex=^((((((((.+)+)+)+)+)+)+)+)+x$")]
    public async Task A_missing_file_interface_or_server_is_named_and_exits_with_1(string named, params string[] arguments)
    {
        var result = await RunAsync(["--etcd-endpoints=http://127.0.0.1:1", "--metadata-endpoint=http://127.0.0.1:1", .. arguments]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        InternalErrorAssert.None(result.Error);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-help")]
    [InlineData("-h")]
    public async Task Help_goes_to_standard_output_and_names_the_flags(string argument)
    {
        var result = await RunAsync([argument]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("etcd-endpoints", result.Output, StringComparison.Ordinal);
        Assert.Contains("/coreos.com/network", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("-version")]
    public async Task Version_prints_one_line(string argument)
    {
        var result = await RunAsync([argument]);
        Assert.Equal(0, result.ExitCode);
        Assert.Matches("^[^\n]*[0-9]+\\.[0-9]+[^\n]*\n$", result.Output + result.Error);
    }

    [Theory]
    [InlineData("<&- >&-")]
    [InlineData("<&- >&- 2>&-")]
    [InlineData(">&-")]
    public async Task Closed_standard_streams_do_not_change_the_exit_code(string redirections)
    {
        Assert.Equal(0, (await ShellAsync($"\"$0\" --version {redirections}")).ExitCode);
        Assert.Equal(2, (await ShellAsync($"\"$0\" --no-such-flag {redirections}")).ExitCode);
        Assert.Equal(1, (await ShellAsync($"\"$0\" --etcd-endpoints=http://127.0.0.1:1 --iface=nosuch0 {redirections}")).ExitCode);
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("--help")]
    public async Task Unwritable_standard_output_is_reported_in_one_line(string argument)
    {
        var result = await ShellAsync($"\"$0\" {argument} >/dev/full");
        Assert.Equal(1, result.ExitCode);
        Assert.Matches("^flanneld: cannot write to standard output: [^\n]+\n$", result.Error);
    }

    [Theory]
    [InlineData("--no-such-flag", 2)]
    [InlineData("healthcheck --healthz-port=1", 1)]
    [InlineData("leases --etcd-endpoints=http://127.0.0.1:1", 1)]
    public async Task Unwritable_standard_error_does_not_change_the_exit_code(string arguments, int exitCode) =>
        Assert.Equal(exitCode, (await ShellAsync($"\"$0\" {arguments} 2>/dev/full")).ExitCode);

    private static Task<CommandResult> ShellAsync(string line)
    {
        Require.NativeExecutable();
        var start = new ProgramStart("/bin/sh", ["-c", line, Locations.Flanneld])
        {
            Environment = new Dictionary<string, string>
            {
                ["FLANNELD_SUBNET_FILE"] = $"{Path.GetTempPath()}/flannel-{Guid.NewGuid():N}.env",
            },
        };
        return ProcessCommand.TryRunAsync(start, TestContext.Current.CancellationToken);
    }

    private static async Task<CommandResult> RunAsync(string[] arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        Require.NativeExecutable();
        var start = new ProgramStart(Locations.Flanneld, arguments) { Environment = environment ?? new Dictionary<string, string>() };
        return await ProcessCommand.TryRunAsync(start, TestContext.Current.CancellationToken);
    }
}
