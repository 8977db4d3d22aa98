using System.Diagnostics;
using System.Text.RegularExpressions;
using Flannel.Core.Addresses;
using Flannel.Testbed;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.HostNetwork.Tests;

/// <summary>The tests change the PATH of this process, by which nft is found: no other test runs concurrently.</summary>
[CollectionDefinition(nameof(PathOfThisProcess), DisableParallelization = true)]
public sealed class PathOfThisProcess;

[Collection(nameof(PathOfThisProcess))]
public sealed class MasqueradeTests : IDisposable
{
    private const string Network = "10.24.0.0/16";
    private const string Subnet = "10.24.5.0/24";

    private static readonly string[] s_secrets =
        ["ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "FLANNELD_ETCD_PASSWORD", "https_proxy"];

    /// <summary>Upstream's chain FLANNEL-POSTRTG as arguments of iptables (flannel, August 2026, pkg/trafficmngr/iptables/iptables.go,
    /// masqRules), without comments.</summary>
    private static readonly string[] s_upstream =
    [
        "--mark 0x4000/0x4000 -j RETURN",
        $"-s {Subnet} -d {Network} -j RETURN",
        $"-s {Network} -d {Subnet} -j RETURN",
        $"! -s {Network} -d {Subnet} -j RETURN",
        $"-s {Network} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully",
        $"! -s {Network} -d {Network} -j MASQUERADE --random-fully",
    ];

    private readonly FakeTimeProvider time = new();
    private readonly RunFolder folder = new("nft");
    private readonly string path = Environment.GetEnvironmentVariable("PATH") ?? "";

    private Masquerade Masquerade => new(Ipv4Network.Parse(Network), Ipv4Network.Parse(Subnet), time);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("PATH", path);
        foreach (var name in s_secrets) Environment.SetEnvironmentVariable(name, null);
        folder.Dispose();
    }

    [Fact]
    public void Every_packet_gets_the_result_of_upstreams_rules()
    {
        var rules = Regex.Matches(Masquerade.Rules, @"(?m)^    (?!type )(\S.*)$").Select(match => match.Groups[1].Value).ToList();
        // A pod of this node, its bridge, a pod of another node, this node, another host of the VPC, the Internet, multicast.
        string[] texts = ["10.24.5.2", "10.24.5.1", "10.24.9.2", "192.168.1.11", "192.168.1.12", "203.0.113.9", "224.0.0.251"];
        var addresses = texts.Select(Ipv4Address.Parse).ToList();
        var results = new HashSet<string>();
        foreach (var source in addresses)
        {
            foreach (var destination in addresses)
            {
                foreach (var mark in new uint[] { 0, 0x4000, 0x4001, 0x8000 })
                {
                    var packet = new Packet(source, destination, mark);
                    var result = NftRules.ResultOfIptables(s_upstream, packet);
                    results.Add(result);
                    Assert.True(result == NftRules.ResultOfNft(rules, packet), $"{packet} is to get '{result}'");
                }
            }
        }

        Assert.Equal(["masquerade fully-random", "no rule", "return"], results.Order());
    }

    [Fact]
    public void The_chain_is_upstreams_in_a_table_that_is_replaced_as_a_whole()
    {
        Assert.Contains("type nat hook postrouting priority srcnat; policy accept;", Masquerade.Rules, StringComparison.Ordinal);
        Assert.StartsWith(
            "table ip flannel_ali_vpc\ndelete table ip flannel_ali_vpc\ntable ip flannel_ali_vpc {\n", Masquerade.Rules,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nft_accepts_the_rules()
    {
        Assert.SkipUnless(path.Split(':').Any(part => File.Exists(Path.Combine(part, "nft"))), "nft is missing: install nftables");
        var result = await ProcessCommand.TryRunAsync(
            new ProgramStart("/usr/bin/env", ["nft", "--check", "-f", "-"]), Cancel, Masquerade.Rules);
        Assert.SkipWhen(result.Error.Contains("Operation not permitted", StringComparison.Ordinal), "nft needs CAP_NET_ADMIN");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
    }

    [Fact]
    public async Task Without_nft_one_line_says_what_to_install()
    {
        Environment.SetEnvironmentVariable("PATH", folder.Path);
        var problem = (await Masquerade.ApplyAsync(Cancel)).Error;
        Assert.StartsWith("--ip-masq needs the nft command: ", problem, StringComparison.Ordinal);
        Assert.EndsWith("; install nftables, or omit --ip-masq and let Docker masquerade", problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', problem!);
    }

    [Fact]
    public async Task An_error_of_nft_is_one_line()
    {
        await InstallAsync(
            "cat > /dev/null\necho 'Error: Could not process rule: Operation not permitted' >&2\necho 'table ip x' >&2\nexit 1\n");
        Assert.Equal(
            "--ip-masq: nft failed with exit code 1: Error: Could not process rule: Operation not permitted table ip x"
            + " (it needs CAP_NET_ADMIN)",
            (await Masquerade.ApplyAsync(Cancel)).Error);
    }

    [Fact]
    public async Task A_stuck_nft_is_killed_long_before_the_watchdog_restarts_the_daemon()
    {
        var unit = await File.ReadAllTextAsync(Path.Combine(Locations.Repository(), "packaging", "systemd", "flanneld.service"), Cancel);
        var watchdog = TimeSpan.FromSeconds(
            int.Parse(Regex.Match(unit, @"(?m)^WatchdogSec=(\d+)s$").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(
            Masquerade.CommandTimeout * 3 < watchdog, $"nft may take {Masquerade.CommandTimeout}, and the watchdog waits {watchdog}");

        await InstallAsync(Hang);
        var applying = Masquerade.ApplyAsync(Cancel);
        var pid = await StartedAsync();
        time.Advance(Masquerade.CommandTimeout);
        Assert.Equal("--ip-masq: nft did not end within 10 s", (await applying).Error);
        await EndedAsync(pid);
    }

    [Fact]
    public async Task Cancellation_kills_nft_and_is_not_reported_as_its_failure()
    {
        await InstallAsync(Hang);
        using var stop = new CancellationTokenSource();
        var applying = Masquerade.ApplyAsync(stop.Token);
        var pid = await StartedAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => applying);
        await EndedAsync(pid);
    }

    [Fact]
    public async Task The_command_gets_the_rules_and_only_PATH_of_the_environment()
    {
        await InstallAsync("env > \"$0.environment\"\ncat > \"$0.rules\"\n");
        foreach (var name in s_secrets) Environment.SetEnvironmentVariable(name, "hIdDeN");
        Assert.True((await Masquerade.ApplyAsync(Cancel)).Ok);
        Assert.Equal(Masquerade.Rules, await File.ReadAllTextAsync($"{folder.Path}/nft.rules", Cancel));
        var seen = await File.ReadAllLinesAsync($"{folder.Path}/nft.environment", Cancel);
        Assert.Contains($"PATH={folder.Path}:{path}", seen);
        // The shell script in place of nft sets the others.
        Assert.DoesNotContain(seen, line => line.Split('=')[0] is not ("PATH" or "PWD" or "OLDPWD" or "SHLVL" or "_"));
    }

    /// <summary>exec: the started process itself hangs, which must be killed.</summary>
    private const string Hang = "echo $$ > \"$0.part\"\nmv \"$0.part\" \"$0.pid\"\nexec sleep 600\n";

    private async Task InstallAsync(string script)
    {
        var nft = Path.Combine(folder.Path, "nft");
        await File.WriteAllTextAsync(nft, "#!/bin/sh\n" + script, Cancel);
        File.SetUnixFileMode(nft, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{folder.Path}:{path}");
    }

    private async Task<int> StartedAsync()
    {
        var file = $"{folder.Path}/nft.pid";
        await Eventually.IsAsync("nft runs", () => Task.FromResult(File.Exists(file)), Cancel);
        return int.Parse(await File.ReadAllTextAsync(file, Cancel), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static Task EndedAsync(int pid) => Eventually.IsAsync("nft has ended", () =>
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return Task.FromResult(process.HasExited);
        }
        catch (ArgumentException)
        {
            return Task.FromResult(true);
        }
    }, Cancel);
}
