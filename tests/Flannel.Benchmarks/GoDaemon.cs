using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>flannel v0.19.2 with backend ali-vpc on the simulated cloud, to compare with. The variable <c>GO_FLANNELD</c> names the
/// executable. The Alibaba Cloud library that is part of its sources reads the addresses of the ECS API and of the metadata service from
/// variables, so that the executable needs no change.</summary>
internal static class GoDaemon
{
    private static readonly string? program = Environment.GetEnvironmentVariable("GO_FLANNELD");

    public static bool IsAvailable => !string.IsNullOrEmpty(program);

    /// <summary>The first node and one that joins, each with a lease and a route of its own.</summary>
    /// <returns>The times from the start of the process to READY=1.</returns>
    /// <exception cref="TestbedException">A daemon ended, or its route is not available although it is ready.</exception>
    public static async Task<IReadOnlyList<TimeSpan>> MeasureAsync(CloudSetup setup, CancellationToken cancel)
    {
        await using var vpc = await LoopbackVpc.StartAsync(setup, cancel);
        await vpc.PublishConfigAsync(cancel);
        // A copy that the user of the daemons may execute. The folder of the VPC has one of flanneld, with the same name.
        using var folder = new RunFolder("go");
        var copy = folder.CopyProgram(program!);
        using var tls = new TlsFiles(folder.Path, "localhost");
        List<DaemonProcess> daemons = [];
        try
        {
            List<TimeSpan> times = [];
            foreach (var instance in vpc.Instances)
            {
                daemons.Add(await DaemonProcess.StartAsync(
                    CreateStart(copy, vpc, instance, tls.Client), Path.Combine(instance.Folder, "notify-go")));
                times.Add(await daemons[^1].WaitForReadyAsync(cancel));
                await RequireRouteAsync(vpc, instance, cancel);
            }

            return times;
        }
        finally
        {
            foreach (var daemon in daemons) await daemon.DisposeAsync();
        }
    }

    private static async Task RequireRouteAsync(LoopbackVpc vpc, EcsInstance instance, CancellationToken cancel)
    {
        var routes = await vpc.Control.CustomRoutesAsync(cancel);
        if (!routes.Any(route => route.NextHopId == instance.InstanceId && route.Status == "Available"))
            throw new TestbedException($"flannel v0.19.2 on {instance.InstanceId} is ready and its route is not available");
    }

    /// <summary>The flags and variables of flannel v0.19.2, and the privileges of flanneld. Without iptables rules: only root may set
    /// them. The interface is named by its address: by its name, that version ignores a loopback address.</summary>
    /// <param name="certificate">That version ends without a certificate for etcd, and does not use it with an endpoint of http. v0.20.0
    /// needs none.</param>
    private static ProgramStart CreateStart(string copy, LoopbackVpc vpc, EcsInstance instance, CertificateFiles certificate) => new(copy,
    [
        $"-etcd-endpoints={vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority)}", "-iface=127.0.0.1", $"-public-ip={instance.PublicIp}",
        $"-subnet-file={instance.SubnetFile}", "-iptables-forward-rules=false",
        $"-etcd-certfile={certificate.Certificate}", $"-etcd-keyfile={certificate.Key}",
    ])
    {
        Unprivileged = true,
        Environment = new Dictionary<string, string>
        {
            ["ACCESS_KEY_ID"] = CloudSetup.AccessKeyId,
            ["ACCESS_KEY_SECRET"] = CloudSetup.AccessKeySecret,
            ["ECS_ENDPOINT"] = vpc.Cloud.Api.GetLeftPart(UriPartial.Authority),
            ["METADATA_ENDPOINT"] = vpc.Cloud.MetadataByInstance[instance.InstanceId].TrimEnd('/'),
        },
    };
}
