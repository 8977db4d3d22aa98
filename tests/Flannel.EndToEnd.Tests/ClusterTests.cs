using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Twenty daemons on three etcd members with mutual TLS and authentication, through every fault that a cluster knows, one after
/// the other: no process ends, no subnet and no readiness is lost, and afterwards everything works again.</summary>
public sealed class ClusterTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task The_leader_is_killed() => SurviveAsync(trial => trial.KillLeaderAsync(Cancel));

    [Fact]
    public Task The_leader_hangs() => SurviveAsync(trial => trial.HangLeaderAsync(Cancel));

    [Fact]
    public Task A_minority_is_cut_off_with_the_leader_and_the_controller_in_it() => SurviveAsync(trial => trial.CutOffMinorityAsync(Cancel));

    [Fact]
    public Task The_majority_is_cut_off() => SurviveAsync(trial => trial.CutOffMajorityAsync(Cancel));

    [Fact]
    public Task The_quorum_is_lost_and_regained() => SurviveAsync(trial => trial.LoseQuorumAsync(Cancel));

    [Fact]
    public Task All_members_are_killed_and_started_again() => SurviveAsync(trial => trial.RestartAllAsync(Cancel));

    [Fact]
    public Task The_members_are_restarted_one_after_the_other() => SurviveAsync(trial => trial.RestartOneByOneAsync(Cancel));

    private async Task SurviveAsync(Func<ClusterTrial, Task<FaultReport>> fault)
    {
        var trial = await cluster.TrialAsync();
        try
        {
            var report = await fault(trial);
            TestContext.Current.TestOutputHelper!.WriteLine(report.ToString());
            TestContext.Current.SendDiagnosticMessage("{0}", report.ToString());
            Assert.Empty(report.Lost);
            Assert.True(report.ReadinessRounds > 2);
        }
        catch
        {
            TestContext.Current.TestOutputHelper!.WriteLine(trial.Everything);
            await cluster.GiveUpAsync();
            throw;
        }
    }
}

/// <summary>Started by the first test that needs it. A test that fails leaves a cluster that nobody knows: the others get a new one.</summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private const int Nodes = 20;

    private ClusterTrial? trial;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async Task<ClusterTrial> TrialAsync()
    {
        if (trial is not null)
        {
            return trial;
        }
        await Needs.NamespacesAsync();
        Needs.NativeExecutable();
        Needs.Program("/usr/bin/etcd");
        Needs.Program("/usr/bin/etcdctl");
        return trial = await ClusterTrial.StartAsync(Nodes, TestContext.Current.CancellationToken);
    }

    public async ValueTask GiveUpAsync()
    {
        if (trial is not null)
        {
            await trial.DisposeAsync();
        }
        trial = null;
    }

    public ValueTask DisposeAsync() => GiveUpAsync();
}
