using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Twenty daemons on three etcd members with mutual TLS and authentication, and faults of the etcd cluster one after another: no
/// process ends, no node loses its subnet or its readiness, and everything works afterwards.</summary>
public sealed class ClusterTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Nodes_survive_a_killed_etcd_leader() => SurviveAsync(scenarios => scenarios.KillLeaderAsync(Cancel));

    [Fact]
    public Task Nodes_survive_a_hung_etcd_leader() => SurviveAsync(scenarios => scenarios.HangLeaderAsync(Cancel));

    [Fact]
    public Task Nodes_survive_the_isolation_of_the_etcd_leader_and_the_route_controller() =>
        SurviveAsync(scenarios => scenarios.IsolateMinorityAsync(Cancel));

    [Fact]
    public Task Nodes_survive_the_isolation_of_the_etcd_majority() => SurviveAsync(scenarios => scenarios.IsolateMajorityAsync(Cancel));

    [Fact]
    public Task Nodes_survive_the_loss_of_the_etcd_quorum() => SurviveAsync(scenarios => scenarios.LoseQuorumAsync(Cancel));

    [Fact]
    public Task Nodes_survive_a_restart_of_all_etcd_members() => SurviveAsync(scenarios => scenarios.RestartAllAsync(Cancel));

    [Fact]
    public Task Nodes_survive_a_rolling_restart_of_etcd() => SurviveAsync(scenarios => scenarios.RestartOneByOneAsync(Cancel));

    private async Task SurviveAsync(Func<ClusterFaultScenarios, Task<FaultReport>> fault)
    {
        var scenarios = await cluster.GetAsync();
        try
        {
            var report = await fault(scenarios);
            TestContext.Current.TestOutputHelper!.WriteLine(report.ToString());
            TestContext.Current.SendDiagnosticMessage("{0}", report.ToString());
            Assert.Empty(report.Lost);
            Assert.True(report.ReadinessRounds > 2);
        }
        catch
        {
            TestContext.Current.TestOutputHelper!.WriteLine(scenarios.AllOutput);
            await cluster.DiscardAsync();
            throw;
        }
    }
}

/// <summary>A cluster that the tests share. The first test starts it; after a failed test the next one starts a new cluster.</summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private const int Nodes = 20;

    private ClusterFaultScenarios? scenarios;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async Task<ClusterFaultScenarios> GetAsync()
    {
        if (scenarios is not null)
        {
            return scenarios;
        }
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        Require.Program(EtcdCluster.ControlProgram);
        return scenarios = await ClusterFaultScenarios.StartAsync(Nodes, TestContext.Current.CancellationToken);
    }

    public async ValueTask DiscardAsync()
    {
        if (scenarios is not null)
        {
            await scenarios.DisposeAsync();
        }
        scenarios = null;
    }

    public ValueTask DisposeAsync() => DiscardAsync();
}
