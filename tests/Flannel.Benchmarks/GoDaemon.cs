using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>flannel v0.19.2 with backend ali-vpc on the simulated cloud, to compare with. The variable <c>GO_FLANNELD</c> names the
/// executable. That version reads the metadata service at 100.100.100.200 only, and calls <c>DescribeVRouters</c> and
/// <c>DescribeRouteTables</c>, which the simulated cloud does not have: the executable is a wrapper that provides both.</summary>
internal static class GoDaemon
{
    private static readonly string? program = Environment.GetEnvironmentVariable("GO_FLANNELD");

    public static bool IsAvailable => !string.IsNullOrEmpty(program);

    /// <summary>The first node and one that joins, each with a lease and a route of its own.</summary>
    /// <returns>The times from the start of the process to READY=1.</returns>
    public static async Task<IReadOnlyList<TimeSpan>> MeasureAsync(CloudSetup setup, CancellationToken cancel)
    {
        await using var vpc = await LoopbackVpc.StartAsync(setup, cancel);
        await vpc.PublishConfigAsync(cancel);
        List<DaemonProcess> daemons = [];
        try
        {
            List<TimeSpan> times = [];
            foreach (var instance in vpc.Instances)
            {
                daemons.Add(await DaemonProcess.StartAsync(CreateStart(vpc, instance), Path.Combine(instance.Folder, "notify-go")));
                times.Add(await daemons[^1].WaitForReadyAsync(cancel));
            }

            return times;
        }
        finally
        {
            foreach (var daemon in daemons) await daemon.DisposeAsync();
        }
    }

    /// <summary>The flags and variables of flannel v0.19.2.</summary>
    private static ProgramStart CreateStart(LoopbackVpc vpc, EcsInstance instance) => new(program!,
    [
        $"-etcd-endpoints={vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority)}", "-iface=lo", $"-public-ip={instance.PublicIp}",
        $"-subnet-file={instance.SubnetFile}",
    ])
    {
        Environment = new Dictionary<string, string>
        {
            ["ACCESS_KEY_ID"] = CloudSetup.AccessKeyId,
            ["ACCESS_KEY_SECRET"] = CloudSetup.AccessKeySecret,
            ["ECS_ENDPOINT"] = vpc.Cloud.Api.GetLeftPart(UriPartial.Authority),
            // For the wrapper.
            ["METADATA_ENDPOINT"] = vpc.Cloud.MetadataByInstance[instance.InstanceId].TrimEnd('/'),
        },
    };
}
