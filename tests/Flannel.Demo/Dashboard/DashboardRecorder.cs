using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Demo.Dashboard;

/// <summary><c>--dashboard FILE</c>: runs a cluster on the loopback under a Prometheus, disturbs it, and draws the dashboard.</summary>
internal sealed class DashboardRecorder(DemoOutput output) : IAsyncDisposable
{
    private const int Nodes = 3;
    private static readonly TimeSpan phase = TimeSpan.FromSeconds(15);

    private readonly Dictionary<EcsInstance, string[]> arguments = [];
    private LoopbackVpc? vpc;
    private PrometheusServer? prometheus;

    private LoopbackVpc Vpc => vpc!;

    public async Task RunAsync(string file, CancellationToken cancel)
    {
        var started = TimeProvider.System.GetUtcNow();
        await output.StepAsync($"Start {Nodes} nodes, etcd, the simulated cloud and Prometheus", async () =>
        {
            await StartAsync(cancel);
            started = TimeProvider.System.GetUtcNow();
            await Task.Delay(phase, cancel);
        });
        await output.StepAsync("Delete a route", async () =>
        {
            await Vpc.Control.DeleteRouteAsync((await Vpc.Control.CustomRoutesAsync(cancel))[0].RouteEntryId, cancel);
            await Task.Delay(phase, cancel);
        });
        await output.StepAsync("Throttle the API", async () =>
        {
            await Vpc.Control.AddFaultAsync(
                new { service = "vpc", action = "*", kind = "code", code = "Throttling.User", httpStatus = 400, times = 6 }, cancel);
            await Task.Delay(phase, cancel);
        });
        await output.StepAsync("Kill the route controller, and start it again later", () => TakeOverAsync(cancel));
        await output.StepAsync("Kill etcd, and start it again", async () =>
        {
            await Vpc.Etcd.KillAsync(cancel);
            await Task.Delay(phase / 3, cancel);
            await Vpc.Etcd.StartAgainAsync(cancel);
            await Task.Delay(phase, cancel);
        });
        await output.StepAsync("Delete subnet.env of a node", async () =>
        {
            File.Delete(Vpc.Instances[^1].SubnetFile);
            await Task.Delay(phase, cancel);
        });
        await output.StepAsync($"Draw {file}", async () =>
        {
            var picture = new DashboardPicture(prometheus!, started, TimeProvider.System.GetUtcNow());
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, await picture.DrawAsync(cancel), cancel);
            output.Note($"{new FileInfo(file).Length} bytes");
        });
    }

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

    private async Task StartAsync(CancellationToken cancel)
    {
        var setup = new CloudSetup { Instances = CloudSetup.MakeInstances(Nodes), RouteWriteMilliseconds = 300 };
        vpc = await LoopbackVpc.StartAsync(setup, cancel);
        await vpc.PublishConfigAsync(cancel);
        var ports = new Dictionary<string, int>();
        foreach (var instance in vpc.Instances)
        {
            var port = ports[$"node-{instance.Facts.Number}"] = instance.FreePort();
            arguments[instance] =
                ["--route-resync=1", "--healthz-ip=127.0.0.1", string.Create(CultureInfo.InvariantCulture, $"--healthz-port={port}")];
            await StartDaemonAsync(instance, cancel);
        }
        prometheus = await PrometheusServer.StartAsync(ports, cancel);
    }

    private async Task StartDaemonAsync(EcsInstance instance, CancellationToken cancel)
    {
        var daemon = await instance.StartDaemonAsync(arguments[instance]);
        await daemon.WaitForReadyAsync(cancel);
    }

    private async Task TakeOverAsync(CancellationToken cancel)
    {
        var old = await Eventually.HasAsync("a route controller is elected", () => Vpc.ControllerAsync(cancel), cancel);
        await old.Daemon!.KillAsync(cancel);
        await Eventually.HasAsync(
            "another node is elected", async () => await Vpc.ControllerAsync(cancel) is { } now && now != old ? now : null, cancel);
        await StartDaemonAsync(old, cancel);
        await Task.Delay(phase, cancel);
    }
}
