using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs docs/plain-host.md and docs/vxlan.md on machines without a container runtime.</summary>
public sealed class PlainHostPageTests : DocumentedMachineTest
{
    [Fact]
    public async Task The_commands_of_the_page_for_plain_hosts_connect_namespaces_of_two_instances()
    {
        await StartMachineAsync(instances: 2);
        var second = await AddMachineAsync();
        if (Blocks("docs/plain-host.md") is not [var bridge, var confirm, var attach, var ping])
            throw new TestbedException("docs/plain-host.md has other blocks: change this test");
        foreach (var machine in new[] { Machine, second })
        {
            await PrepareAsync(machine);
            await machine.RunAsync(
                $"apt-get install --yes {NewDeb} && echo FLANNELD_ETCD_ENDPOINTS={Vpc.Etcd.Endpoint} >>{Settings}"
                + " && systemctl restart flanneld", Cancel);
            await RunAsync(bridge, machine);
            Assert.Contains("br-flannel", await RunAsync(confirm, machine), StringComparison.Ordinal);
            await RunAsync(attach, machine);
        }
        var address = (await second.RunAsync("ip -n one -4 -brief address show eth0 | tr -s ' ' | cut -d ' ' -f 3 | cut -d / -f 1", Cancel))
            .Trim();
        Assert.Contains(" 0% packet loss", await RunAsync(ping, Machine, ("10.24.9.2", address)), StringComparison.Ordinal);

        // After another subnet: the bridge has the MTU and the present address only.
        await Machine.RunAsync("ip address add 192.0.2.1/24 dev br-flannel && systemctl restart br-flannel", Cancel);
        var environment = await SubnetEnvAsync();
        var link = await Machine.RunAsync("ip -brief -4 address show br-flannel; ip link show br-flannel", Cancel);
        Assert.Contains($" {environment["FLANNEL_SUBNET"]} ", link, StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.1", link, StringComparison.Ordinal);
        Assert.Contains($" mtu {environment["FLANNEL_MTU"]} ", link, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_commands_of_the_page_of_vxlan_make_a_tunnel()
    {
        await StartMachineAsync();
        await InstallReadyAsync();
        await RunPageAsync("docs/vxlan.md");
        Assert.Contains("vxlan id 1 ", await Machine.RunAsync("ip -details link show flannel.1", Cancel), StringComparison.Ordinal);
    }
}
