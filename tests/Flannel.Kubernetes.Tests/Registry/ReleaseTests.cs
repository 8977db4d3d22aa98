using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

public sealed class ReleaseTests : IDisposable
{
    private readonly KubeFixture fixture = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task A_release_deletes_what_flannel_wrote_and_can_be_repeated()
    {
        await fixture.HoldAsync();
        fixture.Annotate("n1", fixture.Annotations.PublicIpOverwrite, "203.0.113.5");
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Released)));
        var lease = await ReadAsync();
        Assert.True(await fixture.Manager.ReleaseAsync(lease, Cancel));
        Assert.Equal([fixture.Annotations.PublicIpOverwrite], fixture.Node.Annotations.Keys);
        Assert.True(await fixture.Manager.ReleaseAsync(lease, Cancel));
        Assert.Equal("", (await ReadAsync()).Attributes.BackendType);
        Assert.False(Assert.IsType<AcquireResult.Held>(await fixture.AcquireAsync()).Lease.WasFound);
    }

    [Fact]
    public async Task A_lease_that_was_changed_since_it_was_read_is_neither_updated_nor_released()
    {
        await fixture.HoldAsync();
        var lease = await ReadAsync();
        fixture.Annotate("n1", fixture.Annotations.PublicIp, "192.168.0.9");
        Assert.False(await fixture.Manager.ReleaseAsync(lease, Cancel));
        Assert.Null(await fixture.Manager.UpdateAsync(lease, lease.Attributes, Cancel));
        Assert.True(fixture.Annotations.IsManaged(fixture.Node));
    }

    [Fact]
    public async Task A_lease_of_a_node_that_was_created_again_is_not_released()
    {
        await fixture.HoldAsync();
        var lease = await ReadAsync();
        fixture.Server.RecreateNode("n1", KubeFixture.Subnet);
        await fixture.AcquireAsync();
        Assert.False(await fixture.Manager.ReleaseAsync(lease, Cancel));
        Assert.Null(await fixture.Manager.UpdateAsync(lease, lease.Attributes, Cancel));
        fixture.Server.DeleteNode("n1");
        Assert.True(await fixture.Manager.ReleaseAsync(lease, Cancel));
    }

    [Fact]
    public async Task An_update_writes_what_differs_and_returns_the_lease_as_it_is()
    {
        await fixture.HoldAsync();
        var lease = await ReadAsync();
        var marked = lease.Attributes with { BackendData = """{"InstanceId":"i-1","Released":true}""" };
        var updated = await fixture.Manager.UpdateAsync(lease, marked, Cancel);
        Assert.Equal(await ReadAsync(), updated);
        Assert.NotEqual(lease.Version, updated!.Version);
        Assert.True(await fixture.Manager.ReleaseAsync(updated, Cancel));
    }

    [Fact]
    public async Task The_route_status_of_any_node_can_be_read()
    {
        var held = await fixture.HoldAsync();
        fixture.Annotate("n1", fixture.Annotations.RouteStatus, KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Conflict)));
        Assert.Equal(RouteState.Conflict, (await fixture.Manager.ReadRouteStatusAsync(held.Lease.Key, Cancel))?.State);
        var elsewhere = fixture.CreateManager("n9", new ModelKubeApi(fixture.Server));
        Assert.Equal(RouteState.Conflict, (await elsewhere.ReadRouteStatusAsync(held.Lease.Key, Cancel))?.State);
    }

    private async Task<Lease> ReadAsync() => (await fixture.Manager.ReadAsync(Cancel)).Leases.Single();
}
