using System.Globalization;
using System.Text.RegularExpressions;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Firewall;
using Flannel.Testbed;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.HostNetwork.Tests.Firewall;

/// <summary>The choice of the program and its failures, with shell scripts in place of nft and iptables.</summary>
public sealed class HostFirewallTests : IDisposable
{
    private static readonly string[] s_secrets =
        ["ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "FLANNELD_ETCD_PASSWORD", "https_proxy"];

    private readonly FakeTimeProvider time = new();
    private readonly FirewallScripts scripts = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static FirewallRules Masquerading { get; } =
        new(Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24")) { Masquerades = true };

    private static FirewallRules Forwarding { get; } = Masquerading with { Masquerades = false, Forwards = true };

    public void Dispose()
    {
        foreach (var name in s_secrets) Environment.SetEnvironmentVariable(name, null);
        scripts.Dispose();
    }

    [Fact]
    public async Task Without_nft_and_iptables_one_line_says_what_to_install() => Assert.Equal(
        "neither nft nor iptables is installed: install nftables, or omit the flag and let Docker masquerade",
        Failed((await PassAsync(Masquerading)).Masquerading));

    [Fact]
    public async Task In_the_plain_image_the_line_names_the_image_with_the_programs()
    {
        var programs = new FirewallPrograms(new ProgramFolders([scripts.Folder]) { IsPlainImage = true }) { LacksPermission = () => false };
        var pass = await new HostFirewall(Masquerading, null, programs, time).ReconcileAsync(Cancel);
        Assert.Equal(
            "neither nft nor iptables is installed: use the container image whose tag ends in -tools, or omit the flag and let Docker"
            + " masquerade", Failed(pass.Masquerading));
    }

    [Fact]
    public async Task Forwarding_rules_without_iptables_are_unavailable()
    {
        scripts.Install("nft", "");
        Assert.Equal(
            new FirewallResult.Unavailable("iptables is not installed: install iptables"), (await PassAsync(Forwarding)).Forwarding);
    }

    [Fact]
    public async Task EnableNFTables_without_nft_is_one_line()
    {
        InstallIptables();
        Assert.Equal(
            "EnableNFTables is true in the network configuration, and nft is not installed: install nftables",
            Failed((await PassAsync(Masquerading, usesNft: true)).Masquerading));
    }

    [Theory]
    [InlineData(true, true, null, "nft")]
    [InlineData(true, false, null, "nft")]
    [InlineData(false, true, null, "iptables")]
    [InlineData(true, true, true, "nft")]
    [InlineData(true, true, false, "iptables")]
    [InlineData(true, false, false, "nft")]
    public async Task The_program_is_nft_unless_it_is_missing_or_disabled(bool nft, bool iptables, bool? usesNft, string expected)
    {
        if (nft) scripts.Install("nft", "cat > /dev/null\n");
        if (iptables) InstallIptables();
        Assert.Equal(
            new FirewallResult.InPlace(true, expected), (await PassAsync(Masquerading, usesNft)).Masquerading);
    }

    [Fact]
    public async Task An_error_of_nft_is_one_line()
    {
        scripts.Install("nft", "cat > /dev/null\necho 'Error: Operation not permitted' >&2\necho 'table ip  x' >&2\nexit 1\n");
        Assert.Equal(
            "nft failed with exit code 1: Error: Operation not permitted table ip x (it needs CAP_NET_ADMIN)",
            Failed((await PassAsync(Masquerading)).Masquerading));
    }

    [Fact]
    public async Task A_refusal_of_iptables_makes_forwarding_unavailable_and_does_not_matter_to_nft()
    {
        scripts.Install("nft", "cat > /dev/null\n");
        scripts.Install("iptables-save", "echo 'Permission denied (you must be root)' >&2\nexit 1\n");
        scripts.Install("iptables-restore", "exit 1\n");
        var pass = await PassAsync(Masquerading with { Forwards = true });
        Assert.Equal(new FirewallResult.InPlace(true, "nft"), pass.Masquerading);
        var forwarding = Assert.IsType<FirewallResult.Unavailable>(pass.Forwarding);
        Assert.Contains("it needs CAP_NET_ADMIN", forwarding.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_without_a_change_is_one_read_per_program_and_no_write()
    {
        InstallIptables();
        scripts.Install("nft", "echo \"nft $*\" >> \"$(dirname \"$0\")/calls\"\ncat > /dev/null\necho listing\n");
        var firewall = Create(Masquerading with { Forwards = true });
        await firewall.ReconcileAsync(Cancel);
        File.Delete(Calls);
        var pass = await firewall.ReconcileAsync(Cancel);
        Assert.Equal(new FirewallPass(new FirewallResult.InPlace(false, "nft"), new FirewallResult.InPlace(false, "iptables")), pass);
        Assert.Equal(
            ["nft list table ip flannel_ali_vpc_10.24.0.0_16", "iptables-save -t filter"], await File.ReadAllLinesAsync(Calls, Cancel));
    }

    [Fact]
    public async Task A_version_that_prints_a_rule_in_another_way_is_not_written_to_at_each_check()
    {
        InstallIptables();
        scripts.Install(
            "iptables-save",
            $"echo iptables-save >> {Calls}\necho '*filter'\necho ':FORWARD ACCEPT [0:0]'\necho '-A FORWARD --other'\n");
        var firewall = Create(Forwarding);
        await firewall.ReconcileAsync(Cancel);
        Assert.Contains("iptables-restore -w 5 --noflush", await File.ReadAllLinesAsync(Calls, Cancel));
        File.Delete(Calls);
        Assert.Equal(new FirewallResult.InPlace(false, "iptables"), (await firewall.ReconcileAsync(Cancel)).Forwarding);
        Assert.Equal(["iptables-save"], await File.ReadAllLinesAsync(Calls, Cancel));
    }

    [Fact]
    public async Task A_process_without_permission_starts_no_program_that_was_not_asked_for()
    {
        InstallIptables();
        scripts.Install("nft", $"echo nft >> {Calls}\n");
        var programs = new FirewallPrograms(new ProgramFolders([scripts.Folder])) { LacksPermission = () => true };
        var firewall = new HostFirewall(Masquerading with { Masquerades = false }, null, programs, time)
        {
            FormerNetworks = [Ipv4Network.Parse("10.25.0.0/16")],
        };
        var pass = await firewall.ReconcileAsync(Cancel);
        Assert.Equal(new FirewallPass(new FirewallResult.NotChecked(), new FirewallResult.NotChecked()), pass);
        Assert.False(File.Exists(Calls));
    }

    [Fact]
    public async Task A_stuck_command_is_killed_long_before_the_watchdog_restarts_the_daemon()
    {
        var unit = await File.ReadAllTextAsync(Path.Combine(Locations.Repository(), "packaging", "systemd", "flanneld.service"), Cancel);
        var seconds = Regex.Match(unit, @"(?m)^WatchdogSec=(\d+)s$").Groups[1].Value;
        var watchdog = TimeSpan.FromSeconds(int.Parse(seconds, CultureInfo.InvariantCulture));
        // nft and iptables one after another, and twice as much for the other work of the loop.
        Assert.True(FirewallCommand.TimeLimit * 4 < watchdog, $"a command may take {FirewallCommand.TimeLimit}");

        scripts.Install("nft", FirewallScripts.Hang);
        var applying = PassAsync(Masquerading);
        var pid = await scripts.StartedAsync("nft", Cancel);
        time.Advance(FirewallCommand.TimeLimit);
        Assert.Equal("nft did not end within 10 s", Failed((await applying).Masquerading));
        await FirewallScripts.EndedAsync(pid, Cancel);
    }

    [Fact]
    public async Task Cancellation_kills_the_command_and_is_not_reported_as_its_failure()
    {
        scripts.Install("nft", FirewallScripts.Hang);
        using var stop = new CancellationTokenSource();
        var applying = Create(Masquerading).ReconcileAsync(stop.Token);
        var pid = await scripts.StartedAsync("nft", Cancel);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => applying);
        await FirewallScripts.EndedAsync(pid, Cancel);
    }

    [Fact]
    public async Task The_command_gets_the_rules_and_only_PATH_of_the_environment()
    {
        scripts.Install("nft", "[ \"$1\" = -f ] || exit 0\nenv > \"$0.environment\"\ncat > \"$0.rules\"\n");
        foreach (var name in s_secrets) Environment.SetEnvironmentVariable(name, "hIdDeN");
        Assert.IsType<FirewallResult.InPlace>((await PassAsync(Masquerading)).Masquerading);
        Assert.Equal(NftTable.Compose(Masquerading), await File.ReadAllTextAsync($"{scripts.Folder}/nft.rules", Cancel));
        var seen = await File.ReadAllLinesAsync($"{scripts.Folder}/nft.environment", Cancel);
        Assert.Contains($"PATH={Environment.GetEnvironmentVariable("PATH")}", seen);
        // The shell script in place of nft sets the others.
        Assert.DoesNotContain(seen, line => line.Split('=')[0] is not ("PATH" or "PWD" or "OLDPWD" or "SHLVL" or "_"));
    }

    private string Calls => Path.Combine(scripts.Folder, "calls");

    /// <summary>iptables-save prints what iptables-restore was given last.</summary>
    private void InstallIptables()
    {
        scripts.Install("iptables-save", $"echo \"iptables-save $*\" >> {Calls}\ncat {scripts.Folder}/state 2>/dev/null\nexit 0\n");
        scripts.Install("iptables-restore", $"echo \"iptables-restore $*\" >> {Calls}\ncat > {scripts.Folder}/state\n");
    }

    private HostFirewall Create(FirewallRules rules, bool? usesNft = null) => new(rules, usesNft, scripts.Programs, time);

    private Task<FirewallPass> PassAsync(FirewallRules rules, bool? usesNft = null) => Create(rules, usesNft).ReconcileAsync(Cancel);

    private static string Failed(FirewallResult result) => Assert.IsType<FirewallResult.Failed>(result).Error;
}
