using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary><c>--keep</c>: the cluster runs until Ctrl-C; prints commands to inspect it.</summary>
internal static class KeepRunning
{
    public static async Task WaitAsync(DemoOutput output, TestVpc vpc, CancellationToken cancel)
    {
        output.WriteLine();
        output.WriteLine("The cluster keeps running. Commands to inspect it from another terminal:");
        foreach (var line in Commands(vpc))
        {
            output.WriteLine($"  {line}");
        }
        output.WriteLine("Press Ctrl-C to stop.");
        var ended = new TaskCompletionSource();
        await using var registration = cancel.Register(ended.SetResult);
        await ended.Task;
    }

    private static IEnumerable<string> Commands(TestVpc vpc)
    {
        var first = vpc.Instances[0];
        var endpoint = vpc.Etcd.Endpoint.GetLeftPart(UriPartial.Authority);
        var control = vpc.Cloud.ControlAddress.GetLeftPart(UriPartial.Authority);
        var (etcd, cloud, node) = ("", "", "");
        if (vpc is VpcTopology topology)
        {
            (etcd, cloud, node) = (Enter(topology.EtcdNamespace), Enter(topology.RouterNamespace), Enter(first.Namespace!));
            yield return $"ip netns list | grep {ResourceName.Prefix}";
        }
        yield return $"{etcd}etcdctl --endpoints={endpoint} get --prefix {TestVpc.Prefix}";
        yield return $"{cloud}curl -s {control}/state/routes          # the VPC's route table";
        yield return $"{cloud}curl -s {control}/calls/summary         # all API calls";
        if (vpc is VpcTopology)
        {
            yield return $"{cloud}ip rule; {cloud}ip route show table all   # the kernel's routes of the VPC's router";
            yield return $"{node}bash                             # a shell on {first.InstanceId}: ip address, ip route, ping";
        }
        yield return $"cat {first.SubnetFile}";
        yield return $"tail -f {first.LogFile}";
    }

    private static string Enter(NetworkNamespace ns) => $"nsenter --net={ns.Path} ";
}
