using Flannel.Core.Addresses;
using Flannel.HostNetwork;
using Flannel.HostNetwork.Firewall;
using Flannel.Testbed;
using Flanneld.Node;
using Flanneld.Observability;
using Flanneld.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

/// <summary>Which failures of the firewall prevent readiness, and what is logged. With shell scripts in place of nft and
/// iptables.</summary>
public sealed class FirewallReconcilerTests : IDisposable
{
    private static readonly Ipv4Network s_network = Ipv4Network.Parse("10.24.0.0/16");

    private readonly RunFolder folder = new("firewall");
    private readonly FakeTimeProvider time = new();
    private readonly RecordingLogger logger = new();
    private readonly HostRepairs repairs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task By_default_a_daemon_without_permission_is_ready_and_says_so_once()
    {
        InstallIptables();
        var firewall = Create(new FirewallSettings(Programs(lacksPermission: true)) { Forwarding = ForwardingMode.IfPermitted });
        Assert.Null(await firewall.EnsureAsync(Cancel));
        Assert.Null(await firewall.EnsureAsync(Cancel));
        var line = Assert.Single(Lines);
        Assert.StartsWith(
            "[1181] forwarding rules of 10.24.0.0/16 are not set: this process does not have CAP_NET_ADMIN; ", line,
            StringComparison.Ordinal);
        Assert.False(File.Exists(Calls));
    }

    [Theory]
    [InlineData("echo 'Permission denied (you must be root)' >&2; exit 1", "[1181]")]
    [InlineData("echo 'broken' >&2; exit 3", "[1184] --iptables-forward-rules: iptables-save failed with exit code 3: broken; retrying")]
    public async Task By_default_no_failure_of_iptables_prevents_readiness(string script, string expected)
    {
        InstallIptables();
        Install("iptables-save", script + "\n");
        var firewall = Create(new FirewallSettings(Programs()) { Forwarding = ForwardingMode.IfPermitted });
        Assert.Null(await firewall.EnsureAsync(Cancel));
        Assert.StartsWith(expected, Assert.Single(Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_that_were_asked_for_prevent_readiness_until_they_are_in_place()
    {
        InstallIptables();
        Install("iptables-save", "echo 'Permission denied (you must be root)' >&2; exit 1\n");
        var firewall = Create(new FirewallSettings(Programs(lacksPermission: true)) { Forwarding = ForwardingMode.Required });
        const string error = "--iptables-forward-rules: iptables-save failed with exit code 1: Permission denied (you must be root)"
            + " (it needs CAP_NET_ADMIN)";
        Assert.Equal(error, await firewall.EnsureAsync(Cancel));
        Assert.Equal(error, await firewall.EnsureAsync(Cancel));
        Assert.Equal([$"[1183] {error}; the node is not ready without the rules; retrying"], Lines);

        InstallIptables();
        Assert.Null(await firewall.EnsureAsync(Cancel));
        Assert.Equal("[1180] forwarding rules of 10.24.0.0/16 are in place (iptables)", Lines[^1]);
    }

    [Fact]
    public async Task Masquerading_prevents_readiness_until_it_is_in_place()
    {
        var firewall = Create(new FirewallSettings(Programs()) { Masquerades = true });
        Assert.StartsWith("--ip-masq: neither nft nor iptables is installed", await firewall.EnsureAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_that_another_program_changed_are_restored_at_the_interval_and_reported()
    {
        InstallIptables();
        var settings = new FirewallSettings(Programs()) { Forwarding = ForwardingMode.IfPermitted, Resync = TimeSpan.FromSeconds(5) };
        var firewall = Create(settings);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var keeping = firewall.KeepAsync(stop.Token);
        Assert.Null(await firewall.EnsureAsync(Cancel));
        for (var round = 0; round < 3; round++)
        {
            File.Delete(State);
            time.Advance(settings.Resync);
            await Eventually.IsAsync("the rules are restored", () => Task.FromResult(File.Exists(State)), Cancel);
            await Eventually.IsAsync("it is reported", () => Task.FromResult(Lines.Count == round + 2), Cancel);
        }

        Assert.Equal(
            ["[1180] forwarding rules of 10.24.0.0/16 are in place (iptables)",
                .. Enumerable.Repeat("[1182] restored the forwarding rules of 10.24.0.0/16: another program changed them", 3)],
            Lines);
        Assert.Equal((0, 3), (repairs.Masquerade.Value, repairs.Forwarding.Value));
        Assert.Equal(
            [LogLevel.Information, LogLevel.Warning, LogLevel.Warning, LogLevel.Warning], logger.Lines.Select(line => line.Level));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => keeping);
    }

    [Fact]
    public async Task Rules_of_a_flag_that_was_taken_away_are_removed_and_reported()
    {
        InstallIptables();
        Assert.Null(await Create(new FirewallSettings(Programs()) { Forwarding = ForwardingMode.Required }).EnsureAsync(Cancel));
        Assert.Null(await Create(new FirewallSettings(Programs())).EnsureAsync(Cancel));
        Assert.Equal("[1185] removed forwarding rules of 10.24.0.0/16 that an earlier run had set", Lines[^1]);
    }

    private List<string> Lines => [.. logger.Lines.Select(line => $"[{line.EventId}] {line.Text}")];

    private string Calls => Path.Combine(folder.Path, "calls");

    private string State => Path.Combine(folder.Path, "state");

    private FirewallPrograms Programs(bool lacksPermission = false) =>
        new(new ProgramFolders([folder.Path])) { LacksPermission = () => lacksPermission };

    private FirewallReconciler Create(FirewallSettings settings)
    {
        var rules = settings.CreateRules(s_network, Ipv4Network.Parse("10.24.5.0/24"));
        return new FirewallReconciler(new HostFirewall(rules, null, settings.Programs, time), settings, s_network, repairs, time, logger);
    }

    /// <summary>iptables-save prints what iptables-restore was given last.</summary>
    private void InstallIptables()
    {
        Install("iptables-save", $"echo save >> {Calls}\ncat {State} 2>/dev/null\nexit 0\n");
        Install("iptables-restore", $"echo restore >> {Calls}\ncat > {State}.part\nmv {State}.part {State}\n");
    }

    private void Install(string program, string script)
    {
        var path = Path.Combine(folder.Path, program);
        File.WriteAllText(path, "#!/bin/sh\n" + script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
