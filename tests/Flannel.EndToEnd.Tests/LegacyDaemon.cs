using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>What the daemon of flannel v0.19.2 with the backend ali-vpc does when it starts (<c>subnet/etcd/local_manager.go</c>,
/// <c>subnet/etcd/registry.go</c>, <c>backend/alivpc/alivpc.go</c>, <c>main.go</c>). After that it only renews its lease, 23 hours
/// later.</summary>
internal static class LegacyDaemon
{
    private const string Prefix = $"{TestVpc.Prefix}/subnets/";

    /// <summary>Leases a subnet, writes the route and subnet.env.</summary>
    /// <param name="free">The subnet that it chooses if it finds neither its lease nor its previous subnet.</param>
    /// <returns>The subnet in CIDR notation.</returns>
    public static async Task<string> StartAsync(TestVpc vpc, EcsInstance instance, string free, CancellationToken cancel)
    {
        var subnet = await AcquireAsync(vpc, instance, free, cancel);
        await CreateRouteAsync(vpc, instance, subnet, cancel);
        var gateway = subnet.Replace(".0/", ".1/", StringComparison.Ordinal);
        await File.WriteAllTextAsync(instance.SubnetFile, TestVpc.SubnetEnv(gateway), cancel);
        return subnet;
    }

    /// <summary>tryAcquireLease: by PublicIP, then by the previous subnet.env. The value names neither backend nor instance, and each
    /// start puts it with a new etcd lease, without a comparison.</summary>
    private static async Task<string> AcquireAsync(TestVpc vpc, EcsInstance instance, string free, CancellationToken cancel)
    {
        var leases = await vpc.LeasesAsync(cancel);
        var own = leases.FirstOrDefault(lease => (string?)JsonNode.Parse(lease.Value)!["PublicIP"] == instance.PublicIp);
        var key = own?.Key ?? await PreviousKeyAsync(instance, leases, cancel) ?? KeyOf(free);
        var etcdLease = await vpc.Etcd.Keys.GrantAsync(TimeSpan.FromHours(24), cancel);
        await vpc.Etcd.Keys.PutAsync(key, $$"""{"PublicIP":"{{instance.PublicIp}}","PublicIPv6":null}""", cancel, etcdLease);
        return key[Prefix.Length..].Replace('-', '/');
    }

    private static async Task<string?> PreviousKeyAsync(EcsInstance instance, IReadOnlyList<EtcdKey> leases, CancellationToken cancel)
    {
        if (await instance.ReadSubnetFileAsync(cancel) is not { } file) return null;
        var key = KeyOf(file["FLANNEL_SUBNET"].Replace(".1/", ".0/", StringComparison.Ordinal));
        return leases.Any(lease => lease.Key == key) ? null : key;
    }

    /// <summary>recreateRoute: deletes every custom entry to this instance except its own subnet and 0.0.0.0/0, and creates its own
    /// entry, without name and description, if there is none.</summary>
    private static async Task CreateRouteAsync(TestVpc vpc, EcsInstance instance, string subnet, CancellationToken cancel)
    {
        var entries = (await vpc.Control.CustomRoutesAsync(cancel)).Where(entry => entry.NextHopId == instance.InstanceId).ToList();
        foreach (var entry in entries.Where(entry => entry.DestinationCidrBlock != subnet && entry.DestinationCidrBlock != "0.0.0.0/0"))
        {
            await vpc.Control.DeleteRouteAsync(entry.RouteEntryId, cancel);
        }
        if (!entries.Any(entry => entry.DestinationCidrBlock == subnet && entry.Status == "Available"))
        {
            await vpc.Control.CreateRouteAsync(subnet, instance.InstanceId, cancel);
        }
    }

    private static string KeyOf(string subnet) => Prefix + subnet.Replace('/', '-');
}
