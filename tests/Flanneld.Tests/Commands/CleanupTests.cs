using Flannel.Core;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flannel.HostNetwork.Vxlan;
using Flannel.Testbed;
using Flanneld.Commands;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Tests.Commands;

/// <summary>With a shell script in place of nft that lists the tables of two networks, and one of IPv6.</summary>
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
            + "[ \"$3\" = ip6 ] && { echo 'table ip6 flannel_ali_vpc_fd00_24___32'; exit; }\n"
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
    public async Task The_rules_of_both_networks_of_a_dual_stack_node_are_removed()
    {
        await File.WriteAllTextAsync(
            options.SubnetFile, "FLANNEL_NETWORK=10.25.0.0/16\nFLANNEL_IPV6_NETWORK=fd00:24::/32\n", TestContext.Current.CancellationToken);
        Assert.Null(await RunAsync());
        Assert.Equal(["delete table ip flannel_ali_vpc_10.25.0.0_16", "delete table ip6 flannel_ali_vpc_fd00_24___32"], Deletions);
    }

    [Fact]
    public async Task All_removes_the_rules_of_every_network_without_a_subnet_file()
    {
        options.All = true;
        Assert.Null(await RunAsync());
        Assert.Equal(
            [
                "delete table ip flannel_ali_vpc_10.24.0.0_16", "delete table ip flannel_ali_vpc_10.25.0.0_16",
                "delete table ip6 flannel_ali_vpc_fd00_24___32",
            ],
            Deletions);
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

    [Fact]
    public async Task Only_all_removes_the_VXLAN_device_of_this_node()
    {
        await File.WriteAllTextAsync(
            options.SubnetFile, "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\n", TestContext.Current.CancellationToken);
        var commands = new RecordingCommands();
        Assert.Null(await RunAsync(commands));
        Assert.Empty(commands.Inputs);
        options.All = true;
        Assert.Null(await RunAsync(commands));
        Assert.Equal(["link delete flannel.1\n"], commands.Inputs);
    }

    [Fact]
    public async Task A_failure_of_one_program_does_not_keep_the_rules_of_another()
    {
        options.All = true;
        Assert.Equal("ip: broken; run this as root", await RunAsync(new RecordingCommands { Error = "broken" }));
        Assert.Equal(3, Deletions.Length);
    }

    private async Task<string?> RunAsync(IHostCommands? commands = null) =>
        (await new Cleanup(
            options, new FirewallCleanup(new FirewallPrograms(new ProgramFolders([folder.Path])), TimeProvider.System), commands)
            .RunAsync(TestContext.Current.CancellationToken)).Error;

    /// <summary>A host with the device of 10.24.5.0/24.</summary>
    private sealed class RecordingCommands : IHostCommands
    {
        public string? Error { get; init; }

        public List<string> Inputs { get; } = [];

        public Task<Result<string>> RunAsync(
            string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation)
        {
            if (Error is not null) return Task.FromResult<Result<string>>(Result.Failure($"{program}: {Error}"));
            if (input.Length > 0) Inputs.Add(input);
            return Task.FromResult<Result<string>>(arguments.Contains("vxlan")
                ? """[{"ifname":"flannel.1","linkinfo":{"info_data":{"id":1}},"addr_info":[{"local":"10.24.5.0"}]}]"""
                : "");
        }
    }
}
