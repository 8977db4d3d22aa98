using Flannel.Testbed;

namespace Flannel.Demo;

/// <summary><c>--keep</c>: the cluster runs until Ctrl-C; prints commands to inspect it.</summary>
internal static class KeepRunning
{
    public static async Task WaitAsync(DemoOutput output, IDemoStore store, CancellationToken cancel)
    {
        output.WriteLine();
        output.WriteLine("The cluster keeps running. Commands to inspect it from another terminal:");
        foreach (var line in Commands(store))
        {
            output.WriteLine($"  {line}");
        }
        output.WriteLine("Press Ctrl-C to stop.");
        var ended = new TaskCompletionSource();
        await using var registration = cancel.Register(ended.SetResult);
        await ended.Task;
    }

    private static IEnumerable<string> Commands(IDemoStore store)
    {
        var vpc = store.Vpc;
        var first = vpc.Instances[0];
        var control = vpc.Cloud.ControlAddress.GetLeftPart(UriPartial.Authority);
        var (cloud, node) = ("", "");
        if (vpc is VpcTopology topology)
        {
            (cloud, node) = (Enter(topology.RouterNamespace), Enter(first.Namespace!));
            yield return $"ip netns list | grep {ResourceName.Prefix}";
        }
        foreach (var command in store.Commands) yield return command;
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

    /// <summary>The start of a command in a namespace.</summary>
    public static string Enter(NetworkNamespace ns) => $"nsenter --net={ns.Path} ";
}
