namespace Flannel.Testbed;

/// <summary>
/// Nodes on a cluster of three etcd members, and faults of that cluster. After each fault the scenario waits until everything works
/// again, or throws; the report lists the nodes that lost something.
/// </summary>
public sealed class ClusterFaultScenarios : IAsyncDisposable
{
    private const string Config = $"{TestVpc.Prefix}/config";

    private const string EtcdUnavailable = "etcd unavailable";
    private const string EtcdRecovered = "etcd available again";

    /// <summary>Each scenario starts one new node.</summary>
    private const int SpareNodes = 7;

    private static readonly TimeSpan limit = TimeSpan.FromSeconds(90);

    private readonly ClusterVpc vpc;
    private readonly Queue<ClusterNode> spareNodes;
    private string config = TestVpc.Config;

    private ClusterFaultScenarios(ClusterVpc vpc, int nodes)
    {
        this.vpc = vpc;
        Nodes = [.. vpc.Nodes.Take(nodes)];
        spareNodes = new Queue<ClusterNode>(vpc.Nodes.Skip(nodes));
    }

    /// <summary>The nodes that run during all scenarios.</summary>
    public IReadOnlyList<ClusterNode> Nodes { get; }

    public static async Task<ClusterFaultScenarios> StartAsync(int nodes, CancellationToken cancel)
    {
        var setup = new CloudSetup { Instances = CloudSetup.MakeInstances(nodes + SpareNodes) };
        var vpc = await ClusterVpc.StartAsync(setup, members: 3, cancel);
        var scenarios = new ClusterFaultScenarios(vpc, nodes);
        try
        {
            await vpc.PublishConfigAsync(cancel);
            await Task.WhenAll(scenarios.Nodes.Select(node => node.StartReadyAsync(cancel)));
            return scenarios;
        }
        catch
        {
            await scenarios.DisposeAsync();
            throw;
        }
    }

    public Task<FaultReport> KillLeaderAsync(CancellationToken cancel) => RunAsync("the leader is killed", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        report.StartTimer();
        await leader.KillAsync(cancel);
        await WaitUntilServedAsync(report, Nodes, cancel);
        await vpc.Etcd.StartMembersAsync(cancel);
    }, cancel);

    /// <summary>The leader keeps its connections and accepts new ones, and does not respond.</summary>
    public Task<FaultReport> HangLeaderAsync(CancellationToken cancel) => RunAsync("the leader hangs (SIGSTOP)", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        report.StartTimer();
        leader.Process.Pause();
        try
        {
            await WaitUntilServedAsync(report, Nodes, cancel);
        }
        finally
        {
            leader.Process.Resume();
        }
        await vpc.Etcd.WaitUntilHealthyAsync(cancel);
    }, cancel);

    /// <summary>Isolates the leader and the route controller from the other members and nodes.</summary>
    public Task<FaultReport> IsolateMinorityAsync(CancellationToken cancel) =>
        RunAsync("the leader and the route controller are isolated", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        var old = await OneControllerAsync(cancel);
        var logged = old.CountInLog(EtcdUnavailable);
        report.StartTimer();
        await vpc.Etcd.IsolateAsync(cancel, leader);
        await vpc.IsolateAsync(old, cancel);
        await WaitUntilServedAsync(report, [.. Nodes.Where(node => node != old)], cancel);
        await Eventually.IsAsync("another node is controller and the old one is not", async () =>
        {
            var next = await vpc.ControllerAsync(cancel);
            if (next is null || next == old || !await next.IsControllerAsync(cancel))
            {
                return false;
            }
            return !await old.IsControllerAsync(cancel)
                ? true
                : throw new TestbedException($"{old.Name} and {next.Name} are both route controller");
        }, cancel, limit);
        await Eventually.IsAsync(
            $"{old.Name} logs that etcd is unavailable", () => Task.FromResult(old.CountInLog(EtcdUnavailable) > logged), cancel, limit,
            () => old.Daemon.AllOutput);

        report.StartTimer();
        await vpc.Etcd.ReconnectAsync(cancel, leader);
        await vpc.ReconnectAsync(old, cancel);
        await WaitUntilConfigIsSeenAsync(Nodes, cancel);
        report.Record("after the repair: the isolated node receives changes from etcd");
        await vpc.Etcd.WaitUntilHealthyAsync(cancel);
    }, cancel);

    /// <summary>The nodes reach only one member, which has no quorum.</summary>
    public Task<FaultReport> IsolateMajorityAsync(CancellationToken cancel) =>
        RunAsync("two members are isolated from the third and all nodes", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        EtcdMember[] isolated = [leader, vpc.Etcd.Members.First(member => member != leader)];
        await WithoutQuorumAsync(
            report, () => vpc.Etcd.IsolateAsync(cancel, isolated), () => vpc.Etcd.ReconnectAsync(cancel, isolated), cancel);
    }, cancel);

    public Task<FaultReport> LoseQuorumAsync(CancellationToken cancel) => RunAsync("two members are killed", report => WithoutQuorumAsync(
        report, () => Task.WhenAll(vpc.Etcd.Members.Take(2).Select(member => member.KillAsync(cancel))),
        () => vpc.Etcd.StartMembersAsync(cancel), cancel), cancel);

    public Task<FaultReport> RestartAllAsync(CancellationToken cancel) => RunAsync("all members are killed and restarted", async report =>
    {
        report.StartTimer();
        await Task.WhenAll(vpc.Etcd.Members.Select(member => member.KillAsync(cancel)));
        await Task.WhenAll(vpc.Etcd.Members.Select(vpc.Etcd.StartMemberAsync));
        await WaitUntilServedAsync(report, Nodes, cancel);
    }, cancel);

    /// <summary>A rolling restart, as for an upgrade of etcd.</summary>
    public Task<FaultReport> RestartOneByOneAsync(CancellationToken cancel) =>
        RunAsync("the members are restarted one after another", async report =>
    {
        report.StartTimer();
        foreach (var member in vpc.Etcd.Members)
        {
            await member.StopAsync(cancel);
            await vpc.Etcd.StartMembersAsync(cancel);
        }
        report.Record("the last member serves");
        await WaitUntilServedAsync(report, Nodes, cancel);
    }, cancel);

    /// <summary>The output of the daemons and the members, for a failed test.</summary>
    public string AllOutput => string.Join('\n', Nodes.Select(node => $"--- {node.Name}\n{node.Daemon.AllOutput}")
        .Concat(vpc.Etcd.Members.Select(member => $"--- {member.Name}\n{member.Process.StandardError}")));

    public ValueTask DisposeAsync() => vpc.DisposeAsync();

    /// <summary>Runs one fault between two snapshots and compares them.</summary>
    private async Task<FaultReport> RunAsync(string fault, Func<FaultReport, Task> run, CancellationToken cancel)
    {
        var report = new FaultReport(fault);
        var before = await ClusterSnapshot.TakeAsync(vpc, Nodes, cancel);
        await OneControllerAsync(cancel);
        // Requests that failed late in the previous fault are retried within seconds. Until they succeed, a node logs no new outage.
        await Eventually.IsAsync("every node reaches etcd", () => Task.FromResult(!Nodes.Any(LogsUnavailable)), cancel, limit,
            () => string.Join('\n', Nodes.Where(LogsUnavailable).Select(node => node.Daemon.AllOutput)));
        await using var readiness = new ReadinessPoller(Nodes);
        await run(report);
        await WaitUntilConfigIsSeenAsync(Nodes, cancel);
        await OneControllerAsync(cancel);
        var after = await ClusterSnapshot.TakeAsync(vpc, Nodes, cancel);
        // The round that runs now may have begun before the last step; with the rounds after it there are at least three.
        var rounds = readiness.Rounds;
        await Eventually.IsAsync(
            "the readiness of all nodes is read again", () => Task.FromResult(readiness.Rounds >= rounds + 3), cancel);
        report.ReadinessRounds = readiness.Rounds;
        report.Lost = [.. after.ChangesSince(before), .. readiness.NotReady.Select(node => $"{node.Key} was not ready {node.Value} times")];
        return report;
    }

    private async Task WithoutQuorumAsync(FaultReport report, Func<Task> inject, Func<Task> repair, CancellationToken cancel)
    {
        report.StartTimer();
        await inject();
        var newNode = await StartNewNodeAsync();
        await Eventually.IsAsync(
            "every node logs that etcd is unavailable", () => Task.FromResult(Nodes.All(LogsUnavailable)), cancel, limit,
            MissingLogs);
        report.Record("the last node has logged that etcd is unavailable");
        await Eventually.IsAsync(
            "no node is controller", async () => (await ControllersAsync(cancel)).Count == 0, cancel,
            limit);
        report.Record("no node is route controller");

        report.StartTimer();
        await repair();
        await WaitUntilServedAsync(report, Nodes, cancel, "after the repair: ", newNode);

        string MissingLogs() => string.Join('\n', Nodes.Where(node => !LogsUnavailable(node)).Select(node => node.Daemon.AllOutput));
    }

    /// <summary>Whether the newest of the two messages of the node is that etcd is unavailable.</summary>
    private static bool LogsUnavailable(ClusterNode node)
    {
        var log = node.Daemon.StandardError;
        return log.LastIndexOf(EtcdUnavailable, StringComparison.Ordinal) > log.LastIndexOf(EtcdRecovered, StringComparison.Ordinal);
    }

    /// <summary>Waits until etcd accepts a write, all nodes receive it, and a new node gets its subnet and its route.</summary>
    private async Task WaitUntilServedAsync(
        FaultReport report, IReadOnlyList<ClusterNode> nodes, CancellationToken cancel, string prefix = "", ClusterNode? newNode = null)
    {
        newNode ??= await StartNewNodeAsync();
        await WaitUntilConfigIsSeenAsync(nodes, cancel, () => report.Record($"{prefix}etcd accepts a write"));
        report.Record($"{prefix}the last of {nodes.Count} nodes has received it");
        await newNode.Daemon.WaitForReadyAsync(cancel, limit);
        report.Record($"{prefix}a node that was started during the fault has its subnet and its route");
        await newNode.Daemon.StopAsync(cancel);
    }

    /// <summary>Writes the configuration with one more blank, and waits until each node has received it.</summary>
    private async Task WaitUntilConfigIsSeenAsync(IReadOnlyList<ClusterNode> nodes, CancellationToken cancel, Action? written = null)
    {
        config += " ";
        await vpc.Etcd.PutEventuallyAsync(Config, config, cancel);
        written?.Invoke();
        var revision = await vpc.Etcd.ModRevisionAsync(Config, cancel);
        var waiting = nodes.ToList();
        await Eventually.IsAsync(
            "every node receives the configuration",
            async () =>
            {
                foreach (var node in waiting.ToList())
                {
                    if (await node.MetricAsync("flannel_config_revision", cancel) == revision) waiting.Remove(node);
                }
                return waiting.Count == 0;
            }, cancel, limit,
            () => string.Join('\n', waiting.Select(node => $"{node.Name} does not:\n{node.Daemon.AllOutput}")));
    }

    private async Task<ClusterNode> StartNewNodeAsync()
    {
        var node = spareNodes.Dequeue();
        await node.Instance.StartDaemonAsync();
        return node;
    }

    /// <summary>Waits until exactly one node is route controller by its own metrics, and etcd names the same node.</summary>
    private Task<ClusterNode> OneControllerAsync(CancellationToken cancel) =>
        Eventually.HasAsync(
            "exactly one node is route controller",
            async () => await vpc.ControllerAsync(cancel) is { } elected
                && await ControllersAsync(cancel) is [var acting] && acting == elected ? elected : null,
            cancel, limit);

    private async Task<List<ClusterNode>> ControllersAsync(CancellationToken cancel)
    {
        List<ClusterNode> acting = [];
        foreach (var node in Nodes)
        {
            if (await node.IsControllerAsync(cancel))
            {
                acting.Add(node);
            }
        }
        return acting;
    }
}
