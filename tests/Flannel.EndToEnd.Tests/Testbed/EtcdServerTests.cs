using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests.Testbed;

public sealed class EtcdServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keys_and_leases_survive_a_kill_and_a_start_on_the_same_data()
    {
        Require.Program(EtcdServer.Program);
        using var folder = new RunFolder("etcd");
        await using var etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "data"), Cancel);
        var lease = await etcd.Keys.GrantAsync(TimeSpan.FromHours(24), Cancel);
        await etcd.Keys.PutAsync("/a/1", "ä", Cancel, lease);
        await etcd.Keys.PutAsync("/b", "", Cancel);

        await etcd.KillAsync(Cancel);
        await etcd.StartAgainAsync(Cancel);

        var key = Assert.Single(await etcd.Keys.ListAsync("/a/", Cancel));
        Assert.Equal(("/a/1", "ä", lease), (key.Key, key.Value, key.LeaseId));
        Assert.Equal(TimeSpan.FromHours(24), (await etcd.Keys.TimeToLiveAsync(lease, Cancel)).Granted);
        await etcd.Keys.RevokeAsync(lease, Cancel);
        Assert.Null(await etcd.Keys.GetAsync("/a/1", Cancel));
        Assert.True(await etcd.Keys.DeleteAsync("/b", Cancel));
        Assert.False(await etcd.Keys.DeleteAsync("/b", Cancel));
    }
}
