using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary><c>--set-sysctls</c> and <c>--mtu</c> in network namespaces.</summary>
public sealed class HostSettingsTests : EndToEndTest
{
    [Fact]
    public async Task Set_sysctls_turns_forwarding_on_and_without_it_the_log_names_the_setting()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(1);
        var instance = Vpc.Instances[0];
        await instance.Namespace!.SetAsync(new NamedValue("ipv4/ip_forward", "0"));

        var first = await StartReadyAsync(0);
        await first.WaitForLogAsync("net.ipv4.ip_forward is 0: this host forwards no packets of containers", Cancel);
        var check = await instance.RunCommandAsync("check", Cancel);
        Assert.Contains("sysctl -w net.ipv4.ip_forward=1", check.Output, StringComparison.Ordinal);
        Assert.Equal(0, await first.StopAsync(Cancel));
        Assert.Equal("0", await ReadForwardingAsync(instance));

        instance.HasNetAdmin = true;
        var second = await StartReadyAsync(0, "--set-sysctls");
        await second.WaitForLogAsync("net.ipv4.ip_forward set to 1; it was 0", Cancel);
        Assert.Equal("1", await ReadForwardingAsync(instance));
    }

    [Fact]
    public async Task Mtu_is_written_to_the_subnet_file()
    {
        await StartVpcAsync(1);
        await StartReadyAsync(0, "--mtu=1400");
        Assert.Equal("1400", (await Vpc.Instances[0].ReadSubnetFileAsync(Cancel))!["FLANNEL_MTU"]);
    }

    [Fact]
    public async Task A_changed_MTU_of_the_interface_is_reported()
    {
        await Require.NamespacesAsync();
        await StartVpcAsync(1);
        var daemon = await StartReadyAsync(0);
        await Vpc.Instances[0].Namespace!.IpAsync(Cancel, "link set eth0 mtu 1400");
        await daemon.WaitForLogAsync("the MTU of eth0 changed from 1500 to 1400 bytes", Cancel, TimeSpan.FromSeconds(60));
    }

    private static async Task<string> ReadForwardingAsync(EcsInstance instance)
    {
        var result = await instance.Namespace!.ExecAsync("cat", ["/proc/sys/net/ipv4/ip_forward"], Cancel);
        return result.Output.Trim();
    }
}
