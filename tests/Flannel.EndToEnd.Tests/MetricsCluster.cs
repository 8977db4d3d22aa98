using System.Globalization;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Two nodes on the loopback that a real Prometheus scrapes, for all tests of a class.</summary>
public sealed class MetricsCluster : IAsyncDisposable
{
    private readonly Dictionary<string, int> ports = [];
    private LoopbackVpc? vpc;
    private PrometheusServer? prometheus;

    public LoopbackVpc Vpc => vpc!;

    public PrometheusServer Prometheus => prometheus!;

    /// <summary>The first test starts it.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        Require.Program(PrometheusServer.Program);
        if (prometheus is not null)
        {
            return;
        }
        vpc = await LoopbackVpc.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(2) }, cancel);
        await vpc.PublishConfigAsync(cancel);
        foreach (var instance in vpc.Instances)
        {
            var port = ports[instance.InstanceId] = instance.FreePort();
            var daemon = await instance.StartDaemonAsync(
                ["--route-resync=1", "--healthz-ip=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $"--healthz-port={port}")]);
            await daemon.WaitForReadyAsync(cancel);
        }
        prometheus = await PrometheusServer.StartAsync(ports, cancel);
    }

    /// <summary>The node that is the route controller.</summary>
    public Task<EcsInstance> ControllerAsync(CancellationToken cancel) =>
        Eventually.HasAsync("a route controller is elected", () => Vpc.ControllerAsync(cancel), cancel);

    /// <summary>The text of <c>/metrics</c>.</summary>
    public async Task<string> MetricsAsync(EcsInstance instance, CancellationToken cancel)
    {
        using var http = instance.CreateHttpClient(ports[instance.InstanceId]);
        return await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancel);
    }

    /// <summary>The sum of the series whose lines begin with a text: a name, and a part of the labels.</summary>
    public async Task<double> SumAsync(EcsInstance instance, string begin, CancellationToken cancel) =>
        (await MetricsAsync(instance, cancel)).Split('\n').Where(line => line.StartsWith(begin, StringComparison.Ordinal))
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync()
    {
        if (prometheus is not null)
        {
            await prometheus.DisposeAsync();
        }
        if (vpc is not null)
        {
            await vpc.DisposeAsync();
        }
    }
}
