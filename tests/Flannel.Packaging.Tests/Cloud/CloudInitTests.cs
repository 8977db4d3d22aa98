using System.Net;
using System.Text.Json.Nodes;
using Flannel.EndToEnd.Tests;
using Flannel.Packaging.Tests.Repository;
using Flannel.Packaging.Tests.Systemd;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// The first boot of two instances with the user data of packaging/cloud-init, which cloud-init's AliYun datasource reads from the
/// simulated metadata service. <see cref="EcsImage"/> says what differs from ECS.
/// </summary>
public sealed class CloudInitTests : EndToEndTest, IAsyncDisposable
{
    private const string RepositoryAddress = "100.100.0.20";
    private const string RepositoryUrl = $"http://{RepositoryAddress}";
    private const string ReleaseProgram = "/usr/local/sbin/flanneld-release";
    private const string DropIn = $"Environment=FLANNELD_ETCD_ENDPOINTS=http://{Templates.ExampleEtcd}:2379\n";

    // Two machines install packages at the same time on a loaded host.
    private static readonly TimeSpan bootLimit = TimeSpan.FromMinutes(5);

    private readonly List<SystemdMachine> machines = [];
    private SignedRepository? repository;
    private FileServer? server;

    private VpcTopology Topology => (VpcTopology)Vpc;

    public new async ValueTask DisposeAsync()
    {
        try
        {
            foreach (var machine in machines)
            {
                await MachineCleanup.DisposeAsync(
                    machine, Vpc.Folder.Path,
                    "cat /run/cloud-init/ds-identify.log /var/log/cloud-init-output.log; journalctl --no-pager -o short-monotonic -n 200");
            }
            if (server is not null)
            {
                await server.DisposeAsync();
            }
            if (repository is not null)
            {
                await repository.DisposeAsync();
            }
        }
        finally
        {
            await base.DisposeAsync();
            GC.SuppressFinalize(this);
        }
    }

    [Fact]
    public async Task User_data_turns_instances_into_an_etcd_host_and_a_node()
    {
        await StartCloudAsync();

        // Both at the same time: the node waits for etcd.
        var machines = await Task.WhenAll(BootAsync(0), BootAsync(1));

        foreach (var (machine, instance) in machines.Zip(Vpc.Instances))
        {
            await AssertSetUpAsync(machine, instance);
        }
        Assert.Equal(2, (await Vpc.Control.CallsAsync(Cancel))
            .Where(call => call.Action == "GET /2016-01-01/user-data" && call.Status == 200).DistinctBy(call => call.InstanceId).Count());
        Assert.Contains("/apt/dists/stable/InRelease", server!.Requests);
        Assert.Equal(TestVpc.Config, await EtcdctlAsync("get --print-value-only /coreos.com/network/config"));

        // Both have a subnet and a route.
        var before = await SubnetsAsync(machines);
        Assert.Equal(2, before.Distinct().Count());
        foreach (var (subnet, instance) in before.Zip(Vpc.Instances))
        {
            var route = await RouteAsync(subnet);
            Assert.Equal(("Available", instance.InstanceId), (route?.Status, route?.NextHopId));
        }

        // The next boot installs nothing, and the node keeps its subnet.
        var requests = server.Requests.Count;
        await machines[1].RebootAsync(Cancel);
        await Eventually.IsAsync("the node is ready again",
            async () => await machines[1].PropertyAsync("flanneld", "ActiveState", Cancel) == "active", Cancel);
        Assert.Equal(before, await SubnetsAsync(machines));
        Assert.Equal(requests, server.Requests.Count);

        // The steps can be repeated, as after "cloud-init clean".
        await machines[0].RunAsync("sh /var/lib/cloud/instance/scripts/runcmd", Cancel);
        Assert.Equal(before, await SubnetsAsync(machines));

        // The hook on the instances: the etcd host is the last, and its flanneld deletes its own route.
        foreach (var at in new[] { 1, 0 })
        {
            await AssertReleasedAsync(machines[at], before[at]);
        }
    }

    private async Task AssertReleasedAsync(SystemdMachine machine, string subnet)
    {
        await machine.RunAsync(ReleaseProgram, Cancel);
        Assert.Null(await RouteAsync(subnet));
        Assert.Equal("", await EtcdctlAsync($"get {SubnetPrefix}{subnet.Replace('/', '-')}"));
        Assert.False(File.Exists(machine.PathOf("/run/flannel/subnet.env")));
        // systemd does not start it again, neither now nor at the next boot.
        await Eventually.IsAsync("the daemon has ended",
            async () => await machine.PropertyAsync("flanneld", "ActiveState", Cancel) is "failed" or "inactive", Cancel);
        Assert.Equal(("no", "disabled"), (await machine.PropertyAsync("flanneld", "Restart", Cancel),
            await machine.PropertyAsync("flanneld", "UnitFileState", Cancel)));
        Assert.Contains("nothing to release", await machine.RunAsync(ReleaseProgram, Cancel), StringComparison.Ordinal);
    }

    /// <summary>Starts the VPC and a repository with the packages that the instances can reach.</summary>
    private async Task StartCloudAsync()
    {
        _ = Packages.Deb;
        await Require.NamespacesAsync();
        if (await DebianRoot.UnavailableAsync(Cancel, DebianRootKind.Cloud) is { } reason)
        {
            Assert.Skip(reason);
        }
        var instances = CloudSetup.MakeInstances(2);
        Assert.Equal(Templates.ExampleEtcd, instances[0].PrivateIp);
        await StartVpcAsync(2,
            new CloudSetup
            {
                Instances = [instances[0] with { UserData = UserData("etcd") },
                instances[1] with { UserData = UserData("node") }]
            }, publishConfig: false);
        await Topology.RouterNamespace.IpAsync(Cancel, $"address add {RepositoryAddress}/32 dev lo");
        repository = await SignedRepository.MakeAsync();
        server = await FileServer.StartAsync(Topology.RouterNamespace,
            new IPEndPoint(IPAddress.Parse(RepositoryAddress), 80), repository.Served);
    }

    /// <summary>The published user data with the URL of the test repository and the test APIs.</summary>
    private static string UserData(string role)
    {
        var text = Templates.UserData(role);
        Assert.Contains(DropIn, text, StringComparison.Ordinal);
        return text.Replace(Templates.ExampleRepository, RepositoryUrl, StringComparison.Ordinal).Replace(DropIn,
            DropIn + string.Concat(new[] { "VPC", "ECS" }.Select(api =>
                $"      Environment=FLANNELD_{api}_ENDPOINT={VpcTopology.ApiEndpoint}\n")), StringComparison.Ordinal);
    }

    private async Task<SystemdMachine> BootAsync(int instance)
    {
        var ns = Vpc.Instances[instance].Namespace!;
        // The kernel's default, which the user data changes.
        await ns.SetAsync(new NamedValue("ipv4/ip_forward", "0"));
        var (lower, folder) = (await DebianRoot.FolderAsync(DebianRootKind.Cloud), Path.Combine(Vpc.Folder.Path, $"machine{instance}"));
        EcsImage.Write(lower, folder);
        var machine = await SystemdMachine.StartAsync(lower, folder, repository!.Served, ns, Cancel, bootLimit);
        lock (machines)
        {
            machines.Add(machine);
        }
        return machine;
    }

    /// <summary>Asserts that cloud-init has read the user data of the instance and has executed it without an error.</summary>
    private static async Task AssertSetUpAsync(SystemdMachine machine, EcsInstance instance)
    {
        Assert.Contains("Found single datasource: AliYun",
            await machine.RunAsync("cat /run/cloud-init/ds-identify.log", Cancel), StringComparison.Ordinal);
        // Newer versions exit with 2 after a recoverable error, here the missing DHCP server.
        Assert.Matches("(?m)^status: done$", await machine.RunAsync("cloud-init status --long || test $? -eq 2", Cancel));
        Assert.Contains("Valid", await machine.RunAsync("cloud-init schema --system", Cancel), StringComparison.Ordinal);
        Assert.Equal(("aliyun", instance.InstanceId),
            (await QueryAsync(machine, "v1.cloud_name"), await QueryAsync(machine, "v1.instance_id")));
        Assert.Equal(instance.InstanceId, (await machine.RunAsync("hostname", Cancel)).Trim());
        Assert.Equal(("active", "enabled"), (await machine.PropertyAsync("flanneld", "ActiveState", Cancel),
            await machine.PropertyAsync("flanneld", "UnitFileState", Cancel)));
        Assert.Equal("1", (await machine.RunAsync("cat /proc/sys/net/ipv4/ip_forward", Cancel)).Trim());
        // No configuration file of the package was changed.
        Assert.Equal("", await machine.RunAsync("dpkg --verify flanneld", Cancel));
    }

    private static async Task<string> QueryAsync(SystemdMachine machine, string name) =>
        (await machine.RunAsync($"cloud-init query {name}", Cancel)).Trim();

    private async Task<string> EtcdctlAsync(string arguments) =>
        (await machines.First().RunAsync($"ETCDCTL_API=3 etcdctl --endpoints=http://{Templates.ExampleEtcd}:2379 {arguments}", Cancel))
            .Trim();

    /// <summary>The subnet of each machine; asserts that subnet.env and lease agree.</summary>
    private async Task<string[]> SubnetsAsync(IReadOnlyList<SystemdMachine> machines)
    {
        var leases = JsonNode.Parse(await EtcdctlAsync($"get --prefix {SubnetPrefix} --write-out=json"))!["kvs"]!.AsArray().ToDictionary(
            pair => (string)JsonNode.Parse(Text(pair!["value"]))!["PublicIP"]!,
            pair => Text(pair!["key"])[SubnetPrefix.Length..].Replace('-', '/'));
        return await Task.WhenAll(machines.Zip(Vpc.Instances, async (machine, instance) =>
        {
            var subnet = leases[instance.PublicIp];
            var first = subnet[..subnet.LastIndexOf('.')] + ".1";
            Assert.Contains($"FLANNEL_SUBNET={first}/24\n",
                await File.ReadAllTextAsync(machine.PathOf("/run/flannel/subnet.env"), Cancel), StringComparison.Ordinal);
            return subnet;
        }));

        static string Text(JsonNode? base64) => System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((string)base64!));
    }
}
