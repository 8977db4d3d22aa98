using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flannel.Testbed;
using Flanneld.Commands;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Tests.Commands;

/// <summary>With a shell script in place of nft that lists the tables of two networks.</summary>
public sealed class CleanupTests : IDisposable
{
    private readonly RunFolder folder = new("cleanup");
    private readonly DaemonOptions options;

    public CleanupTests()
    {
        options = new DaemonOptions { SubnetFile = Path.Combine(folder.Path, "subnet.env") };
        var nft = Path.Combine(folder.Path, "nft");
        File.WriteAllText(
            nft, "#!/bin/sh\n[ \"$1\" = -f ] && exec cat >> \"$0.deleted\"\n"
            + "printf 'table ip flannel_ali_vpc_10.24.0.0_16\\ntable ip flannel_ali_vpc_10.25.0.0_16\\ntable ip nat\\n'\n");
        File.SetUnixFileMode(nft, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task The_rules_of_the_network_in_the_subnet_file_are_removed()
    {
        await File.WriteAllTextAsync(options.SubnetFile, "FLANNEL_NETWORK=10.24.0.0/16\n", TestContext.Current.CancellationToken);
        Assert.Null(await RunAsync());
        Assert.Equal(["delete table ip flannel_ali_vpc_10.24.0.0_16"], Deletions);
    }

    [Fact]
    public async Task All_removes_the_rules_of_every_network_without_a_subnet_file()
    {
        options.All = true;
        Assert.Null(await RunAsync());
        Assert.Equal(
            ["delete table ip flannel_ali_vpc_10.24.0.0_16", "delete table ip flannel_ali_vpc_10.25.0.0_16"], Deletions);
    }

    [Fact]
    public async Task Without_a_subnet_file_the_error_names_the_flag()
    {
        Assert.EndsWith("names no network: use --all to remove the rules of all networks", await RunAsync(), StringComparison.Ordinal);
        Assert.Empty(Deletions);
    }

    [Fact]
    public async Task It_is_refused_while_the_daemon_runs()
    {
        options.All = true;
        using var daemon = Assert.IsType<LockResult.Taken>(SubnetFileLock.Take(options.SubnetFile)).Lock;
        Assert.Contains("would set its rules again: stop it first (systemctl stop flanneld)", await RunAsync(), StringComparison.Ordinal);
        Assert.Empty(Deletions);
    }

    private string[] Deletions
    {
        get
        {
            var file = Path.Combine(folder.Path, "nft.deleted");
            return File.Exists(file)
                ? [.. File.ReadAllLines(file).Where(line => line.StartsWith("delete", StringComparison.Ordinal))]
                : [];
        }
    }

    private async Task<string?> RunAsync() =>
        (await new Cleanup(options, new FirewallCleanup(new FirewallPrograms(new ProgramFolders([folder.Path])), TimeProvider.System))
            .RunAsync(TestContext.Current.CancellationToken)).Error;
}
