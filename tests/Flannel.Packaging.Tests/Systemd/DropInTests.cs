using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>The shipped drop-ins that let the daemon change the network of the host, in the sandbox of the unit.</summary>
public sealed class DropInTests : MachineTest
{
    /// <summary>CAP_NET_ADMIN is bit 12.</summary>
    private const string NetAdmin = "0000000000001000";

    private const string Vxlan = $$$"""{"Network":"{{{TestVpc.Network}}}","Backend":{"Type":"vxlan"}}""";

    /// <summary>What each of them needs: the capability, which has no effect on the host in a user namespace.</summary>
    private static readonly string[] netAdmin = ["AmbientCapabilities", "CapabilityBoundingSet", "PrivateUsers"];

    [Fact]
    public async Task Each_drop_in_works_grants_no_more_than_needed_and_the_removal_of_the_package_leaves_nothing()
    {
        await StartMachineAsync();
        await Vpc.Instances[0].Namespace!.SetAsync(new NamedValue("ipv4/ip_forward", "0"));
        await InstallReadyAsync();
        var plain = await SandboxAsync();

        await UseAsync("forward-rules.conf", plain, netAdmin);
        Assert.Contains($"-s {TestVpc.Network}", await Machine.RunAsync("iptables -S", Cancel), StringComparison.Ordinal);
        Assert.DoesNotContain("masquerade", await Machine.RunAsync("nft list ruleset", Cancel), StringComparison.OrdinalIgnoreCase);

        await UseAsync("ip-masq.conf", plain, netAdmin);
        Assert.Equal("true", (await SubnetEnvAsync())["FLANNEL_IPMASQ"]);
        Assert.Contains("masquerade", await Machine.RunAsync("nft list ruleset", Cancel), StringComparison.Ordinal);

        Assert.Equal("0", await ForwardingAsync());
        await UseAsync("set-sysctls.conf", plain, [.. netAdmin, "ProtectKernelTunables"]);
        Assert.Equal("1", await ForwardingAsync());

        await Vpc.PublishConfigAsync(Cancel, Vxlan);
        await UseAsync("vxlan.conf", plain, netAdmin);
        Assert.Contains("vxlan id 1 ", await Machine.RunAsync("ip -details link show flannel.1", Cancel), StringComparison.Ordinal);
        var journal = await Machine.JournalAsync("flanneld", Cancel);
        foreach (var text in new[] { "denied", "not permitted", "SIGSYS", "Read-only file system" })
            Assert.DoesNotContain(text, journal, StringComparison.OrdinalIgnoreCase);

        await AssertRemovalAsync();
    }

    /// <summary>The rules of forward-rules.conf and the device exist before.</summary>
    private async Task AssertRemovalAsync()
    {
        Assert.Contains("flannel", await Machine.RunAsync("iptables -S", Cancel), StringComparison.OrdinalIgnoreCase);
        await Machine.RunAsync("ip route add 10.24.250.0/24 via 10.24.250.0 dev flannel.1 onlink proto 142", Cancel);
        await Machine.RunAsync("ip link add other type vxlan id 42 dstport 4789", Cancel);

        await Machine.RunAsync("apt-get purge --yes flanneld", Cancel);

        Assert.DoesNotContain("flannel", await Machine.RunAsync(
            "nft list ruleset; iptables-save; ip -details link show; ip route show proto 142", Cancel), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("other", await Machine.RunAsync("ip link show type vxlan", Cancel), StringComparison.Ordinal);
    }

    /// <summary>Restarts the daemon with this drop-in alone, and asserts what differs from the sandbox of the unit.</summary>
    private async Task UseAsync(string example, IReadOnlyDictionary<string, string> plain, IReadOnlyList<string> changed)
    {
        await DropInAsync(example, "flanneld");
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        var now = await SandboxAsync();
        var differing = plain.Keys.Union(now.Keys).Where(name => plain.GetValueOrDefault(name) != now.GetValueOrDefault(name));
        Assert.Equal($"{example}: {Join(changed)}", $"{example}: {Join(differing)}");
        foreach (var set in new[] { "CapEff", "CapPrm", "CapBnd", "CapAmb" })
            Assert.Equal((example, set, NetAdmin), (example, set, await ProcessStatusAsync(set)));
        Assert.Equal("1", await ProcessStatusAsync("NoNewPrivs"));
        Assert.Equal("flanneld", (await Machine.RunAsync($"stat --format=%U /proc/{await MainPidAsync()}", Cancel)).Trim());
    }

    private static string Join(IEnumerable<string> names) => string.Join(' ', names.Order(StringComparer.Ordinal));

    /// <summary>The settings of the unit that restrict the daemon.</summary>
    private async Task<IReadOnlyDictionary<string, string>> SandboxAsync()
    {
        string[] prefixes =
        [
            "Ambient", "Bind", "Capability", "Device", "Dynamic", "Group", "Inaccessible", "Keyring", "Lock", "Memory", "NoExec",
            "NoNewPrivileges", "Private", "Proc", "Protect", "Read", "Remove", "Restrict", "Root", "Supplementary", "SystemCall", "UMask", "User",
        ];
        return (await Machine.RunAsync("systemctl show flanneld", Cancel)).Split('\n').Select(line => line.Split('=', 2))
            .Where(pair => pair.Length == 2 && prefixes.Any(prefix => pair[0].StartsWith(prefix, StringComparison.Ordinal)))
            // Measured, and not a setting.
            .Where(pair => pair[0] is not ("MemoryCurrent" or "MemoryAvailable" or "MemoryPeak" or "MemorySwapCurrent"
                or "MemorySwapPeak" or "MemoryZSwapCurrent"))
            .ToDictionary(pair => pair[0], pair => pair[1]);
    }

    private async Task<string> ForwardingAsync() => (await Machine.RunAsync("cat /proc/sys/net/ipv4/ip_forward", Cancel)).Trim();
}
