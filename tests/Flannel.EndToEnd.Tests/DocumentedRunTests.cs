using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Runs the commands of flanneld that sentences of the pages name. Flannel.Packaging.Tests runs the code blocks.</summary>
public sealed class DocumentedRunTests : EndToEndTest
{
    /// <summary>Names of the daemon: other tests run it, also with this flag.</summary>
    private static readonly string[] daemons = ["flanneld", "flanneld --ip-masq"];

    /// <summary>Commands with another exit code than 0 on a healthy node, and why.</summary>
    private static readonly Dictionary<string, int> exitCodes = new()
    {
        // It needs a file or a text: the sentence names the command only.
        ["flanneld config set"] = 2,
        // The daemon would set its rules again. FirewallTests runs it where no daemon runs.
        ["flanneld cleanup"] = 1,
        ["flanneld cleanup --all"] = 1,
    };

    [Fact]
    public async Task Every_command_of_the_pages_succeeds_on_a_healthy_node()
    {
        await StartVpcAsync(2);
        string[] health = ["--healthz-ip=127.0.0.1", $"--healthz-port={Vpc.Instances[0].FreePort()}"];
        await StartReadyAsync(0, health);
        await WaitForControllerAsync();
        var leaving = await StartReadyAsync(1, "--route-controller=never");
        var commands = Commands();
        Assert.True(commands.Count > 20, $"{commands.Count} commands");

        List<string> failed = [];
        foreach (var command in commands.Where(command => command != "flanneld release"))
            await RunAsync(command, Vpc.Instances[0], health, failed);
        // A node that leaves.
        Assert.Equal(0, await leaving.StopAsync(Cancel));
        await RunAsync("flanneld release", Vpc.Instances[1], health, failed);
        if (failed.Count > 0) Assert.Fail(string.Join('\n', failed));
    }

    private static async Task RunAsync(string command, EcsInstance instance, string[] health, List<string> failed)
    {
        var config = Path.Combine(instance.Folder, "config.json");
        await File.WriteAllTextAsync(config, TestVpc.Config, Cancel);
        var words = command.Replace("FILE", config, StringComparison.Ordinal)
            .Replace("MARK", "flannel-0123456789abcdef", StringComparison.Ordinal)
            .Replace("COMMAND", "check", StringComparison.Ordinal).Replace("SHELL", "bash", StringComparison.Ordinal)["flanneld ".Length..];
        string[] more = words == "bugreport" ? [.. health, $"--file={Path.Combine(instance.Folder, "report.txt")}"] : health;
        var result = await instance.RunCommandAsync(words, Cancel, more);
        if (result.ExitCode != exitCodes.GetValueOrDefault(command))
            failed.Add($"{command}: exit code {result.ExitCode}\n{result.Output}{result.Error}");
    }

    private static List<string> Commands()
    {
        var root = Locations.Repository();
        return [.. Directory.GetFiles(root, "*.md")
            .Concat(Directory.GetFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(Path.Combine(root, "packaging"), "*.md", SearchOption.AllDirectories))
            // These speak of former versions.
            .Where(path => Path.GetFileName(path) != "CHANGELOG.md" && !path.Contains("/adr/", StringComparison.Ordinal))
            .SelectMany(MarkdownBlocks.InlineCommands)
            // A sketch of a command, not one to type.
            .Where(command => command.IndexOfAny(['…', '[', '|', '(']) < 0)
            .Distinct().Except(daemons).Order(StringComparer.Ordinal)];
    }
}
