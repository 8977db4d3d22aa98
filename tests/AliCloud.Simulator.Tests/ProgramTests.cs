using System.Diagnostics;
using System.Text.Json.Nodes;
using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.Tests;

/// <summary>The simulator as the process that the demo and the end-to-end tests start.</summary>
public sealed class ProgramTests
{
    private static readonly string Folder = AppContext.BaseDirectory;

    [Fact]
    public async Task It_prints_its_addresses_and_ends_when_its_input_closes()
    {
        using var program = Start("--setup", Example(), "--until-stdin-closes");
        var line = JsonNode.Parse((await LineAsync(program))!)!;
        Assert.Null(line["metadata"]);
        Assert.Equal(["i-1", "i-2"], line["metadataByInstance"]!.AsObject().Select(m => m.Key));
        using var http = new HttpClient();
        Assert.Equal("i-1", await http.GetStringAsync(
            new Uri(new Uri((string)line["metadataByInstance"]!["i-1"]!), "/latest/meta-data/instance-id"),
                TestContext.Current.CancellationToken));
        var routes = await http.GetStringAsync(
            new Uri(new Uri((string)line["control"]!), "/state/routes"), TestContext.Current.CancellationToken);
        Assert.Contains("vtb-1", routes, StringComparison.Ordinal);

        program.StandardInput.Close();
        Assert.Equal((0, "", ""), await EndAsync(program));
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task It_ends_on_a_signal_with_an_open_watch(string signal)
    {
        using var program = Start("--setup", Example());
        var control = new Uri((string)JsonNode.Parse((await LineAsync(program))!)!["control"]!);
        using var http = new HttpClient();
        var watch = http.GetAsync(new Uri(control, "/state/routes/watch?after=1000000"), TestContext.Current.CancellationToken);
        using var kill = Process.Start("sh", ["-c", $"kill -{signal} {program.Id}"]);
        Assert.Equal((0, "", ""), await EndAsync(program));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => watch);
    }

    [Theory]
    [InlineData("--setup is missing")]
    [InlineData("unknown option --wrold", "--wrold", "x")]
    [InlineData("--setup needs a value", "--setup")]
    [InlineData("is not http://ADDRESS:PORT", "--setup", "x", "--api", "https://localhost")]
    [InlineData("/nowhere/setup.json", "--setup", "/nowhere/setup.json")]
    public async Task An_invalid_command_line_is_one_line_and_exit_code_2(string message, params string[] args)
    {
        using var program = Start(args);
        var (code, output, error) = await EndAsync(program);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(message, Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "regionId")]
    [InlineData("""{"regionId":"r","vpc":[]}""", "vpc")] // an unknown name
    [InlineData("""{"regionId":"r","instances":[{"instanceId":"i","interfaces":[]}]}""", "no interface")]
    [InlineData("""{"regionId":"r","vpcs":[{"vpcId":"v","cidrBlock":"10.0.0.1/8"}]}""", "10.0.0.1/8")]
    [InlineData("""{"regionId":"r","vpcs":[{"vpcId":"v","cidrBlock":"10.0.0.0/8"}]}""", "System route table")]
    public async Task An_inconsistent_setup_is_rejected(string json, string message)
    {
        var rejected = await Assert.ThrowsAsync<FormatException>(async () =>
            await (await SimulatedCloud.StartAsync(CloudSetupJson.Read(json), null, TestContext.Current.CancellationToken)).DisposeAsync());
        Assert.Contains(message, rejected.Message, StringComparison.Ordinal);
    }

    private static string Example() => Path.Combine(Folder, "setup.example.json");

    private static Process Start(params string[] args) => Process.Start(
        new ProcessStartInfo("dotnet", [Path.Combine(Folder, "AliCloud.Simulator.dll"), .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    private static async Task<string?> LineAsync(Process program)
    {
        var line = await program.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(
            TimeSpan.FromSeconds(30));
        return line ?? throw new InvalidOperationException(
            await program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    private static async Task<(int Code, string Output, string Error)> EndAsync(Process program)
    {
        var output = program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = program.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30));
        return (program.ExitCode, await output, await error);
    }
}
