using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;

namespace Flannel.Kubernetes.Tests.Conformance;

/// <summary>Leases, Events, pods and permissions.</summary>
public abstract class KubeApiObjectTests : KubeApiTests
{
    private static readonly DateTimeOffset Begin = new(2026, 5, 6, 7, 8, 9, TimeSpan.Zero);

    public static TheoryData<string> Requests => [.. ModelAccount.Everything.Select(access => new ModelRequest(access).ToString())];

    private ObjectName LeaseName => new(Server.Namespace, "flannel-route-controller");

    private KubeLease Lease => new(LeaseName, "")
    {
        HolderIdentity = "n1",
        Duration = TimeSpan.FromSeconds(15),
        AcquireTime = Begin,
        RenewTime = Begin + TimeSpan.FromTicks(12_345_67),
        Transitions = 3,
        Annotations = new Dictionary<string, string> { ["example.com/a"] = "b" },
    };

    private static KubeEvent Event => new(new ObjectName("default", "n1.17"))
    {
        NodeName = "n1",
        NodeUid = "uid",
        IsWarning = true,
        Reason = "RouteCreationFailed",
        Message = "quota",
        FirstTime = Begin,
        LastTime = Begin,
    };

    [Fact]
    public async Task A_lease_is_created_once()
    {
        await FailsAsync(KubeErrorKind.NotFound, () => Api.GetLeaseAsync(LeaseName, Cancel));
        var created = await Api.CreateLeaseAsync(Lease, Cancel);
        Assert.NotEmpty(created.Uid);
        await FailsAsync(KubeErrorKind.Conflict, () => Api.CreateLeaseAsync(Lease, Cancel));
        var read = await Api.GetLeaseAsync(LeaseName, Cancel);
        Assert.Equal(created.ResourceVersion, read.ResourceVersion);
        Assert.Equal(("n1", TimeSpan.FromSeconds(15), 3), (read.HolderIdentity, read.Duration, read.Transitions));
        Assert.Equal((Begin, Begin + TimeSpan.FromTicks(12_345_60)), (read.AcquireTime, read.RenewTime));
        Assert.Equal("b", read.Annotations["example.com/a"]);
    }

    [Fact]
    public async Task Only_the_present_version_of_a_lease_is_updated()
    {
        var created = await Api.CreateLeaseAsync(Lease, Cancel);
        var updated = await Api.UpdateLeaseAsync(created with { HolderIdentity = "n2", Transitions = 4 }, Cancel);
        Assert.True(Number(updated.ResourceVersion) > Number(created.ResourceVersion));
        Assert.Equal(created.Uid, updated.Uid);
        await FailsAsync(KubeErrorKind.Conflict, () => Api.UpdateLeaseAsync(created with { HolderIdentity = "n3" }, Cancel));
        Assert.Equal("n2", (await Api.GetLeaseAsync(LeaseName, Cancel)).HolderIdentity);
    }

    [Fact]
    public async Task An_update_that_changes_nothing_keeps_the_resource_version()
    {
        var created = await Api.CreateLeaseAsync(Lease, Cancel);
        await Task.Delay(TimeSpan.FromSeconds(1.1), Cancel);
        Assert.Equal(created.ResourceVersion, (await Api.UpdateLeaseAsync(created, Cancel)).ResourceVersion);
    }

    [Fact]
    public async Task A_lease_without_holder_is_stored()
    {
        var created = await Api.CreateLeaseAsync(Lease, Cancel);
        var released = await Api.UpdateLeaseAsync(
            created with { HolderIdentity = "", Duration = TimeSpan.FromSeconds(1), AcquireTime = null, RenewTime = null }, Cancel);
        Assert.Equal("", released.HolderIdentity);
        Assert.Equal((null, null), (released.AcquireTime, released.RenewTime));
    }

    [Fact]
    public async Task A_deleted_lease_is_not_updated()
    {
        var created = await Api.CreateLeaseAsync(Lease, Cancel);
        await Server.DeleteLeaseAsync(LeaseName.Name);
        await FailsAsync(KubeErrorKind.Conflict, () => Api.UpdateLeaseAsync(created with { HolderIdentity = "n2" }, Cancel));
        var recreated = await Api.CreateLeaseAsync(Lease, Cancel);
        await FailsAsync(KubeErrorKind.Conflict, () => Api.UpdateLeaseAsync(created with { HolderIdentity = "n2" }, Cancel));
        Assert.NotEqual(created.Uid, recreated.Uid);
    }

    [Fact]
    public async Task An_event_is_created_once_and_patched()
    {
        await FailsAsync(KubeErrorKind.NotFound, () => Api.PatchEventAsync(Event, Cancel));
        var created = await Api.CreateEventAsync(Event, Cancel);
        Assert.Equal(Event, created);
        await FailsAsync(KubeErrorKind.Conflict, () => Api.CreateEventAsync(Event, Cancel));
        var again = Event with { Count = 2, LastTime = Begin + TimeSpan.FromMinutes(1), Message = "quota of 200" };
        Assert.Equal(again, await Api.PatchEventAsync(again, Cancel));
    }

    [Fact]
    public async Task Events_about_nodes_are_in_the_namespace_default() => await FailsAsync(
        KubeErrorKind.Invalid, () => Api.CreateEventAsync(Event with { Name = new ObjectName(Server.Namespace, "n1.18") }, Cancel));

    [Fact]
    public async Task A_pod_says_on_which_node_it_runs()
    {
        await FailsAsync(KubeErrorKind.NotFound, () => Api.GetPodNodeNameAsync(new ObjectName(Server.Namespace, "flannel"), Cancel));
        await Server.CreatePodAsync("flannel", "n1");
        await Server.CreatePodAsync("pending", null);
        Assert.Equal("n1", await Api.GetPodNodeNameAsync(new ObjectName(Server.Namespace, "flannel"), Cancel));
        Assert.Null(await Api.GetPodNodeNameAsync(new ObjectName(Server.Namespace, "pending"), Cancel));
    }

    [Fact]
    public async Task The_version_is_known() =>
        Assert.StartsWith("v1.", await Api.GetVersionAsync(Cancel), StringComparison.Ordinal);

    [Fact]
    public async Task An_invalid_token_is_unauthorized() => await FailsAsync(
        KubeErrorKind.Unauthorized, () => Server.CreateUnauthenticatedClient().ListNodesAsync(new NodeListRequest(), Cancel));

    /// <summary>Each of the requests needs a permission of its own, which the review checks.</summary>
    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_denied_request_is_forbidden(string denied)
    {
        await CreateNodeAsync("n1");
        await Server.CreatePodAsync("flannel", "n1");
        var lease = await Api.CreateLeaseAsync(Lease, Cancel);
        await Api.CreateEventAsync(Event, Cancel);
        var client = await Server.CreateClientAsync(
            ModelAccount.Everything.Single(access => new ModelRequest(access).ToString() == denied));
        var requests = new Dictionary<string, Func<Task>>
        {
            ["get nodes"] = () => client.GetNodeAsync("n1", Cancel),
            ["list nodes"] = () => client.ListNodesAsync(new NodeListRequest(), Cancel),
            ["watch nodes"] = () => WatchAsync(client),
            ["patch nodes/status"] = () => client.PatchNodeStatusAsync("n1", Annotate(Annotation, "ali-vpc"), Cancel),
            ["get leases"] = () => client.GetLeaseAsync(LeaseName, Cancel),
            ["create leases"] = () => client.CreateLeaseAsync(Lease with { Name = LeaseName with { Name = "other" } }, Cancel),
            ["update leases"] = () => client.UpdateLeaseAsync(lease, Cancel),
            ["create events"] = () => client.CreateEventAsync(Event with { Name = Event.Name with { Name = "n1.19" } }, Cancel),
            ["patch events"] = () => client.PatchEventAsync(Event with { Count = 2 }, Cancel),
            ["get pods"] = () => client.GetPodNodeNameAsync(new ObjectName(Server.Namespace, "flannel"), Cancel),
        };
        foreach (var (request, send) in requests)
        {
            if (request == denied) await FailsAsync(KubeErrorKind.Forbidden, send);
            else await send();
        }

        foreach (var access in ModelAccount.Everything)
            Assert.Equal(new ModelRequest(access).ToString() != denied, await client.CanIAsync(access, Cancel));
    }

    [Fact]
    public async Task Requests_outside_the_rules_are_not_allowed()
    {
        var client = await Server.CreateClientAsync(new AccessReview("delete", "", "nodes"));
        Assert.False(await client.CanIAsync(new AccessReview("patch", "", "nodes"), Cancel));
        Assert.False(await client.CanIAsync(new AccessReview("delete", "", "nodes"), Cancel));
        Assert.True(await client.CanIAsync(new AccessReview("patch", "", "nodes", "status"), Cancel));
    }

    private static async Task WatchAsync(IKubeApi client)
    {
        await foreach (var _ in client.WatchNodesAsync(null, "0", Cancel)) return;
    }
}
