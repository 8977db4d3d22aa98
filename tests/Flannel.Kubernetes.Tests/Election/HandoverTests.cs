using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Controller;

namespace Flannel.Kubernetes.Tests.Election;

/// <summary>The next route controller sees which Nodes were deleted while none was elected, or shortly before.</summary>
public sealed class HandoverTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-kube-");
    private readonly CancellationTokenSource stop = new();

    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
        folder.Delete(recursive: true);
    }

    /// <param name="seconds">From the deletion of the Node to the end of the route controller; negative if it ends first.</param>
    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(50)]
    [InlineData(150)]
    public void A_Node_that_is_deleted_together_with_the_route_controller_ended(int seconds) => Run(async fixture =>
    {
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromMinutes(5));
        if (seconds < 0) fixture.Elected.PowerOff();
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromSeconds(Math.Max(0, -seconds)));
        fixture.Server.DeleteNode("b");
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromSeconds(Math.Max(0, seconds)));
        if (seconds >= 0) fixture.Elected.PowerOff();
        var snapshot = await NextAsync(fixture);
        Assert.Equal(["10.24.5.0-24"], snapshot.Leases.Select(lease => lease.Key.ToString()));
        Assert.Equal(["10.24.6.0-24"], snapshot.EndedBefore.Select(lease => lease.Key.ToString()));
    });

    /// <param name="hasVersionAgain">Whether the version has come round again.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_Node_that_etcd_does_not_have_after_a_restore_did_not_end(bool hasVersionAgain) => Run(async fixture =>
    {
        fixture.Server.DeleteNode("b");
        var restore = fixture.Server.Backup();
        fixture.AddNode("b", "10.24.6.0/24");
        var version = fixture.Server.Revision;
        fixture.Elected.PowerOff();
        restore();
        fixture.Server.UpdateLease(fixture.Cluster.Lease!.With(ControllerObjects.NodesVersionAnnotation, $"{version}"));
        while (hasVersionAgain && fixture.Server.Revision <= version) fixture.Server.WriteAnotherObject();
        Assert.Empty((await NextAsync(fixture)).EndedBefore);
    });

    /// <summary>The Node was created again after the backup, and is missing because of the restore.</summary>
    [Fact]
    public void The_version_in_the_Lease_of_a_backup_is_not_used() => Run(async fixture =>
    {
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromMinutes(5));
        fixture.Server.DeleteNode("b");
        var restore = fixture.Server.Backup();
        fixture.AddNode("b", "10.24.6.0/24");
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromMinutes(5));
        fixture.Elected.PowerOff();
        restore();
        Assert.Empty((await NextAsync(fixture)).EndedBefore);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_the_history_nothing_is_known_of_deleted_Nodes(bool isCompacted) => Run(async fixture =>
    {
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromMinutes(5));
        fixture.Elected.PowerOff();
        fixture.Server.DeleteNode("b");
        if (isCompacted) fixture.Server.Expire();
        else fixture.Server.UpdateLease(fixture.Cluster.Lease!.With(ControllerObjects.NodesVersionAnnotation, "none"));
        Assert.Empty((await NextAsync(fixture)).EndedBefore);
    });

    [Fact]
    public void An_API_server_whose_cache_lags_behind_ends_no_lease() => Run(async fixture =>
    {
        fixture.Server.FreezeCache();
        fixture.AddNode("c", "10.24.7.0/24");
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromMinutes(1));
        fixture.Elected.PowerOff();
        fixture.Server.UpdateLease(
            fixture.Cluster.Lease!.With(ControllerObjects.NodesVersionAnnotation, $"{fixture.Server.Revision}"));
        Assert.Empty((await NextAsync(fixture)).EndedBefore);
    });

    /// <summary>An elected route controller that watches two Nodes.</summary>
    private void Run(Func<TermFixture, Task> test) => TermFixture.Run(async fixture =>
    {
        fixture.AddNode("a", "10.24.5.0/24");
        fixture.AddNode("b", "10.24.6.0/24");
        var watching = WatcherOf(fixture.Elected).RunAsync(stop.Token);
        await test(fixture);
        await stop.CancelAsync();
        await watching.ConfigureAwait(TaskWait.IgnoringFailure);
    });

    /// <summary>The snapshot of the next route controller.</summary>
    private async Task<LeaseSnapshot> NextAsync(TermFixture fixture)
    {
        var next = fixture.Cluster.Add(2).Start();
        await fixture.Cluster.UntilElectedAsync(next);
        var watcher = WatcherOf(next);
        _ = watcher.RunAsync(stop.Token);
        await fixture.VirtualTime.AdvanceAsync(TimeSpan.FromSeconds(5));
        return await watcher.CurrentAsync(stop.Token);
    }

    private KubeLeaseWatcher WatcherOf(Candidate candidate) => candidate.Context.CreateLeaseWatcher(
        new NetConfFile(Path.Combine(folder.FullName, "net-conf.json"), candidate.Clock));
}
