using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>Prints routes, subnet files and ping times, each read from its source.</summary>
internal sealed class ClusterTables(DemoOutput output, TestVpc vpc)
{
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

    private static async Task<string> PingAsync(Container from, string to, int count, CancellationToken cancel)
    {
        var ping = await from.PingAsync(to, cancel, count);
        Verify.That(ping.Received == count, $"{from.Address} pings {to}: {ping.Received} of {ping.Sent} replies received");
        return string.Create(CultureInfo.InvariantCulture, $"{ping.Milliseconds:0.000} ms");
    }
}
