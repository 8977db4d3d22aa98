using System.Diagnostics;
using System.Text.Json.Nodes;
using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>The standby of the route controller. A node becomes the standby 30 to 60 s after the election.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class StandbyTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    [Fact]
    public async Task The_standby_replaces_a_stopped_controller_before_its_Lease_expires()
    {
        // A third candidate might read the Lease in the second before the standby does.
        await Task.WhenAll(StartReadyAsync(0, QuickResync), StartReadyAsync(1, QuickResync), StartReadyAsync(2, NeverController));
        var old = await WaitForControllerAsync();
        var standby = await Eventually.HasAsync("there is a standby", StandbyAsync, Cancel, TimeSpan.FromMinutes(3));
        Assert.NotEqual(old.InstanceId, standby);
        var lease = await Admin.LeaseAsync(KubeCluster.Namespace, KubeCluster.ElectionLease, Cancel);
        var duration = TimeSpan.FromSeconds(lease!["spec"]!["leaseDurationSeconds"]!.GetValue<int>());

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await old.Daemon!.StopAsync(Cancel));
        var next = await WaitForControllerAsync(instance => instance != old);

        var took = Stopwatch.GetElapsedTime(started);
        Assert.True(took < duration / 2, $"the next controller was elected after {took}; the Lease has a duration of {duration}");
        Assert.Equal(standby, next.InstanceId);
        await WaitForRepairAsync(next.Facts.Number - 1);
        Assert.Equal([old.InstanceId, next.InstanceId], await WritersAsync());
    }

    private async Task<string?> StandbyAsync()
    {
        var lease = await Admin.LeaseAsync(KubeCluster.Namespace, KubeCluster.ElectionLease, Cancel);
        var standby = lease?["metadata"]!["annotations"]?[KubeCluster.StandbyAnnotation]?.GetValue<string>();
        return standby is null ? null : JsonNode.Parse(standby)!["InstanceId"]!.GetValue<string>();
    }
}
