using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>Prints leases, routes, subnet files and ping times, each read from its source.</summary>
internal sealed class ClusterTables(DemoOutput output, TestVpc vpc)
{
    private const string LeasePrefix = $"{TestVpc.Prefix}/subnets/";

    /// <summary>The subnet of each lease, by the PublicIP of its node: 10.24.5.0/24.</summary>
    public async Task<IReadOnlyDictionary<string, string>> SubnetsAsync(CancellationToken cancel) => (await vpc.LeasesAsync(cancel))
        .ToDictionary(
            lease => JsonNode.Parse(lease.Value)!["PublicIP"]!.GetValue<string>(),
            lease => lease.Key[LeasePrefix.Length..].Replace('-', '/'));

    public async Task LeasesAsync(CancellationToken cancel)
    {
        var leases = await vpc.LeasesAsync(cancel);
        output.Note($"Leases in etcd, below {LeasePrefix}:");
        List<string[]> rows = [];
        foreach (var lease in leases)
        {
            var value = JsonNode.Parse(lease.Value)!;
            rows.Add(
            [
                lease.Key[LeasePrefix.Length..], value["PublicIP"]!.GetValue<string>(), value["BackendType"]!.GetValue<string>(),
                value["BackendData"]?["InstanceId"]?.GetValue<string>() ?? "-", await TimeLeftAsync(lease, cancel),
            ]);
        }
        output.Table(["KEY", "PUBLIC IP", "BACKEND", "INSTANCE", "TIME LEFT"], rows);
    }

    public async Task RouteTableAsync(CancellationToken cancel)
    {
        output.Note($"Custom entries of the VPC's route table {CloudSetup.RouteTableId}:");
        output.Table(["DESTINATION", "NEXT HOP", "STATUS", "NAME"], (await vpc.Control.CustomRoutesAsync(cancel))
            .Select(entry => new[] { entry.DestinationCidrBlock, entry.NextHopId ?? "-", entry.Status, entry.RouteEntryName ?? "" }));
    }

    public async Task SubnetFilesAsync(CancellationToken cancel)
    {
        foreach (var instance in vpc.Instances)
        {
            var text = await File.ReadAllTextAsync(instance.SubnetFile, cancel);
            var variables = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            output.Note($"subnet.env on {instance.InstanceId}:  {string.Join(' ', variables)}");
        }
    }

    /// <summary>Pings between all pairs of containers.</summary>
    public async Task PingsAsync(IReadOnlyList<Container> containers, CancellationToken cancel)
    {
        const int count = 3;
        output.Note($"Each container pings the others, {count} times; mean round-trip time:");
        List<string[]> rows = [];
        foreach (var from in containers)
        {
            List<string> row = [from.Address];
            foreach (var to in containers)
            {
                row.Add(from == to ? "-" : await PingAsync(from, to.Address, count, cancel));
            }
            rows.Add([.. row]);
        }
        output.Table(["FROM \\ TO", .. containers.Select(to => to.Address)], rows);
    }

    private async Task<string> TimeLeftAsync(EtcdKey lease, CancellationToken cancel)
    {
        if (lease.LeaseId == 0)
        {
            return "no expiry";
        }
        return (await vpc.Etcd.Keys.TimeToLiveAsync(lease.LeaseId, cancel)).Remaining.ToString("c", CultureInfo.InvariantCulture);
    }

    private static async Task<string> PingAsync(Container from, string to, int count, CancellationToken cancel)
    {
        var ping = await from.PingAsync(to, cancel, count);
        Verify.That(ping.Received == count, $"{from.Address} pings {to}: {ping.Received} of {ping.Sent} replies received");
        return string.Create(CultureInfo.InvariantCulture, $"{ping.Milliseconds:0.000} ms");
    }
}
