using Flannel.Testbed;
using Flannel.Testbed.Kubernetes;

namespace Flannel.EndToEnd.Tests.Kubernetes;

/// <summary>Permissions of RBAC that are missing.</summary>
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class PermissionTests(KubeClusterPool pool) : KubernetesTest(pool)
{
    [Fact]
    public async Task Each_missing_permission_of_the_cluster_is_named_and_used_once_it_is_granted()
    {
        // In the order in which a node needs them.
        (string Resource, string Verb)[] permissions =
            [("nodes", "get"), ("nodes/status", "patch"), ("nodes", "list"), ("nodes", "watch")];
        foreach (var (resource, verb) in permissions) await Cluster.DenyAsync(resource, verb, Cancel);
        var daemon = await StartDeniedAsync();
        foreach (var (resource, verb) in permissions)
        {
            await WaitForNameAsync(daemon, resource, verb);
            Assert.False(daemon.IsReady);
            await Cluster.AllowAsync(resource, verb, Cancel);
        }

        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForRepairAsync(0);
        foreach (var (resource, verb) in permissions) AssertNamedOnce(daemon, resource, verb);
    }

    [Theory]
    [InlineData("flannel/flanneld", "leases", "get")]
    [InlineData("flannel/flanneld", "leases", "create")]
    [InlineData("flannel/flanneld", "leases", "update")]
    public async Task A_missing_permission_of_the_election_is_named_and_used_once_it_is_granted(string role, string resource, string verb)
    {
        await Cluster.DenyInNamespaceAsync(role, resource, verb, Cancel);
        var daemon = await StartDeniedAsync();
        await WaitForNameAsync(daemon, resource, verb);
        // Several attempts.
        await Task.Delay(TimeSpan.FromSeconds(4), Cancel);
        Assert.False(daemon.HasExited, daemon.AllOutput);
        AssertNamedOnce(daemon, resource, verb);

        await Cluster.RestoreAsync(Cancel);
        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForRepairAsync(0);
    }

    [Theory]
    [InlineData("create")]
    [InlineData("patch")]
    public async Task Without_a_permission_for_Events_routes_are_created_and_the_permission_is_named(string verb)
    {
        await Cluster.DenyInNamespaceAsync("default/flanneld-events", "events", verb, Cancel);
        // Two failures with different messages: an Event is created, and then changed.
        await OccupyAsync("flannel-00000000000000aa");
        var daemon = await StartDeniedAsync();
        await WaitForConditionAsync(0, "True NoRouteCreated");
        await FreeAsync();
        await OccupyAsync("flannel-00000000000000bb");
        await WaitForNameAsync(daemon, "events", verb);
        Assert.False(daemon.IsReady);
        await FreeAsync();

        await daemon.WaitForReadyAsync(Cancel, LongLimit);
        await WaitForRepairAsync(0);
        Assert.Single(LinesWith(daemon, "events", verb));
    }

    /// <summary>Another cluster uses the subnet of the first node.</summary>
    private Task OccupyAsync(string mark) =>
        Vpc.Control.CreateRouteAsync(SubnetOf(0), Vpc.Instances[2].InstanceId, Cancel, mark, $"{mark}: flannel route");

    private async Task FreeAsync() => await Vpc.Control.DeleteRouteAsync((await RouteAsync(SubnetOf(0)))!.RouteEntryId, Cancel);

    private async Task<DaemonProcess> StartDeniedAsync()
    {
        await Cluster.CreateNodeAsync(0, Cancel, SubnetOf(0));
        // Permissions of a role change within a second.
        await Task.Delay(TimeSpan.FromSeconds(1), Cancel);
        return await Vpc.Instances[0].StartDaemonAsync(QuickResync);
    }

    private Task WaitForNameAsync(DaemonProcess daemon, string resource, string verb) => Eventually.IsAsync(
        $"the log names {verb} and {resource}", () => Task.FromResult(LinesWith(daemon, resource, verb).Count > 0), Cancel, LongLimit,
        DescribeDaemons);

    /// <summary>Each part that needs the permission says so once: the node and the route controller.</summary>
    private static void AssertNamedOnce(DaemonProcess daemon, string resource, string verb) =>
        Assert.InRange(LinesWith(daemon, resource, verb).Count, 1, 2);

    /// <summary>The lines with the rule that grants the permission.</summary>
    private static List<string> LinesWith(DaemonProcess daemon, string resource, string verb) =>
    [
        .. daemon.StandardError.Split('\n').Where(line =>
            line.Contains($"resources: [\"{resource}\"], verbs: [\"{verb}\"]", StringComparison.Ordinal)),
    ];
}
