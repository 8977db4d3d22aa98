using System.Globalization;
using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary>Leases in etcd.</summary>
internal sealed class EtcdStore(TestVpc vpc) : IDemoStore
{
    private const string LeasePrefix = $"{TestVpc.Prefix}/subnets/";

    public TestVpc Vpc => vpc;

    public string ConfigureTitle => "Write the network config to etcd";

    public string AfterStop => "Their leases stay in etcd";

    public IEnumerable<string> Commands
    {
        get
        {
            var enter = vpc is VpcTopology topology ? KeepRunning.Enter(topology.EtcdNamespace) : "";
            yield return $"{enter}etcdctl --endpoints={vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority)} get --prefix {TestVpc.Prefix}";
        }
    }

    public async Task ConfigureAsync(DemoOutput output, CancellationToken cancel)
    {
        output.Note($"flanneld config set '{TestVpc.Config}' --yes");
        var result = await vpc.Instances[0].RunCommandAsync("config set", cancel, TestVpc.Config, "--yes");
        foreach (var line in result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)) output.Note(line);
        Verify.That(result.ExitCode == 0, $"flanneld config set writes the network config: {result.Error}");
    }

    public async Task<IReadOnlyDictionary<string, string>> SubnetsAsync(CancellationToken cancel) => (await vpc.LeasesAsync(cancel))
        .ToDictionary(
            lease => JsonNode.Parse(lease.Value)!["PublicIP"]!.GetValue<string>(),
            lease => lease.Key[LeasePrefix.Length..].Replace('-', '/'));

    public async Task WriteLeasesAsync(DemoOutput output, CancellationToken cancel)
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

    public Task<EcsInstance?> ControllerAsync(CancellationToken cancel) => vpc.ControllerAsync(cancel);

    public ValueTask DisposeAsync() => vpc.DisposeAsync();

    private async Task<string> TimeLeftAsync(EtcdKey lease, CancellationToken cancel)
    {
        if (lease.LeaseId == 0)
        {
            return "no expiry";
        }
        return (await vpc.Etcd.Keys.TimeToLiveAsync(lease.LeaseId, cancel)).Remaining.ToString("c", CultureInfo.InvariantCulture);
    }
}
