using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs docs/quick-start.md on its first instance, with etcd on it, and the commands of other pages on the ready node.</summary>
public sealed class QuickStartTests : DocumentedMachineTest
{
    [Fact]
    public async Task The_commands_of_the_quick_start_make_a_ready_node()
    {
        await StartMachineAsync(publishConfig: false, hasEtcd: true);
        await PrepareAsync();
        var blocks = Blocks("quick-start.md", "run");
        Assert.True(blocks.Count >= 5, $"{blocks.Count} blocks");
        foreach (var block in blocks) await RunAsync(block);

        var subnet = (await SubnetEnvAsync())["FLANNEL_SUBNET"].Replace(".1/", ".0/", StringComparison.Ordinal);
        Assert.NotNull(await RouteAsync(subnet));
        Assert.Contains(subnet, await Machine.RunAsync("flanneld routes", Cancel), StringComparison.Ordinal);
        foreach (var block in Blocks("upgrade.md", "run")) await RunAsync(block);
        await RunCommandsOfTroubleshootingAsync();
    }

    /// <summary>On a healthy node nothing that troubleshooting asks fails, and nothing is deleted.</summary>
    private async Task RunCommandsOfTroubleshootingAsync()
    {
        var commands = MarkdownBlocks.Read(Path.Combine(Locations.Repository(), "docs", "troubleshooting.md"))
            .SelectMany(block => block.Text.Split('\n'))
            .Where(line => line.Split(' ')[0] is "flanneld" or "journalctl")
            .Distinct().ToList();
        Assert.True(commands.Count >= 8, $"{commands.Count} commands");
        foreach (var command in commands)
        {
            var result = await Machine.TryAsync($"cd /tmp && {command}", Cancel);
            // journalctl exits with 1 if no line matches.
            Assert.True(result.ExitCode == 0 || (result.ExitCode == 1 && command.Contains("--grep", StringComparison.Ordinal)),
                $"{command}: {result.ExitCode} {result.Output} {result.Error}");
        }
    }
}
