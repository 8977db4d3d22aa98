using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs README.md on two instances: from the package in a file to a ping between two containers.</summary>
public sealed class ReadmeTests : DocumentedMachineTest
{
    private const string Page = "README.md";

    [Fact]
    public async Task The_commands_of_the_README_lead_to_a_ping_between_containers_of_two_instances()
    {
        await StartMachineAsync(instances: 2, publishConfig: false, root: DebianRootKind.Pages);
        await PrepareAsync();
        await LoadBusyboxAsync(Machine);
        if (Blocks(Page) is not [var install, var forwarding, var etcd, var configure, var start, var confirm, var docker, var ping])
            throw new TestbedException($"{Page} has other blocks: change this test");
        foreach (var block in new[] { install, forwarding, etcd, configure, start, confirm, docker }) await RunAsync(block);

        // Step 7: without etcd and config set.
        var second = await AddMachineAsync(DebianRootKind.Pages);
        await PrepareAsync(second);
        await LoadBusyboxAsync(second);
        var settings = configure with { Text = configure.Text.Split('\n').First() };
        foreach (var block in new[] { install, forwarding, settings, start }) await RunAsync(block, second);
        var address = (await RunAsync(docker, second)).Trim().Split('\n')[^1];

        await RunAsync(confirm);
        Assert.Contains(" 0% packet loss", await RunAsync(ping, Machine, ("10.24.9.2", address)), StringComparison.Ordinal);
    }
}
