namespace Flannel.Testbed;

/// <summary>
/// Nodes that run on a cluster of three etcd members, and the faults that the cluster is put through under them. After each fault
/// everything works again, or an exception says what does not; what was lost on the way is in the report.
/// </summary>
public sealed class ClusterTrial : IAsyncDisposable
{
    private const string Config = $"{TestVpc.Prefix}/config";
    private const string ConfigSeen = "node[1115]";
    private const string EtcdGone = "etcd does not answer";
    private const string EtcdBack = "etcd answers again";
    private const int Newcomers = 7;

    private static readonly TimeSpan limit = TimeSpan.FromSeconds(90);

    private readonly ClusterVpc vpc;
    private readonly Queue<ClusterNode> newcomers;
    private string config = TestVpc.Config;

    private ClusterTrial(ClusterVpc vpc, int nodes)
    {
        this.vpc = vpc;
        Nodes = [.. vpc.Nodes.Take(nodes)];
        newcomers = new Queue<ClusterNode>(vpc.Nodes.Skip(nodes));
    }

    /// <summary>Those that run all the time.</summary>
    public IReadOnlyList<ClusterNode> Nodes { get; }

    public static async Task<ClusterTrial> StartAsync(int nodes, CancellationToken cancel)
    {
        var vpc = await ClusterVpc.StartAsync(new World { Instances = World.MakeInstances(nodes + Newcomers) }, members: 3, cancel).ConfigureAwait(false);
        var trial = new ClusterTrial(vpc, nodes);
        try
        {
            await vpc.PublishConfigAsync(cancel).ConfigureAwait(false);
            await Task.WhenAll(trial.Nodes.Select(node => node.StartReadyAsync(cancel))).ConfigureAwait(false);
            return trial;
        }
        catch
        {
            await trial.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task<FaultReport> KillLeaderAsync(CancellationToken cancel) => RunAsync("the leader is killed", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel).ConfigureAwait(false);
        report.Begin();
        await leader.KillAsync(cancel).ConfigureAwait(false);
        await ServedAsync(report, Nodes, cancel).ConfigureAwait(false);
        await vpc.Etcd.StartMembersAsync(cancel).ConfigureAwait(false);
    }, cancel);

    /// <summary>It holds its connections, takes new ones, and answers nobody.</summary>
    public Task<FaultReport> HangLeaderAsync(CancellationToken cancel) => RunAsync("the leader hangs (SIGSTOP)", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel).ConfigureAwait(false);
        report.Begin();
        leader.Process.Pause();
        try
        {
            await ServedAsync(report, Nodes, cancel).ConfigureAwait(false);
        }
        finally
        {
            leader.Process.Resume();
        }
        await vpc.Etcd.WaitUntilHealthyAsync(cancel).ConfigureAwait(false);
    }, cancel);

    /// <summary>The worst minority: the leader, with the node that is the route controller.</summary>
    public Task<FaultReport> CutOffMinorityAsync(CancellationToken cancel) => RunAsync("the leader and the controller's node are cut off from the rest", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel).ConfigureAwait(false);
        var old = await OneControllerAsync(cancel).ConfigureAwait(false);
        var noticed = old.Said(EtcdGone);
        report.Begin();
        await vpc.Etcd.CutOffAsync(cancel, leader).ConfigureAwait(false);
        await vpc.CutOffAsync(old, cancel).ConfigureAwait(false);
        await ServedAsync(report, [.. Nodes.Where(node => node != old)], cancel).ConfigureAwait(false);
        await Eventually.IsAsync("another node is controller, and the old one knows that it is not", async () =>
        {
            var next = await vpc.ControllerAsync(cancel).ConfigureAwait(false);
            if (next is null || next == old || !await next.IsControllerAsync(cancel).ConfigureAwait(false))
            {
                return false;
            }
            return !await old.IsControllerAsync(cancel).ConfigureAwait(false) ? true : throw new TestbedException($"{old.Name} acts as controller beside {next.Name}");
        }, cancel, limit).ConfigureAwait(false);
        await Eventually.IsAsync($"{old.Name} says that etcd does not answer", () => Task.FromResult(old.Said(EtcdGone) > noticed), cancel, limit, () => old.Daemon.Everything).ConfigureAwait(false);

        report.Begin();
        await vpc.Etcd.HealAsync(cancel, leader).ConfigureAwait(false);
        await vpc.HealAsync(old, cancel).ConfigureAwait(false);
        await HeardAsync(Nodes, cancel).ConfigureAwait(false);
        report.Reached("after the repair: the cut off node hears from etcd, too");
        await vpc.Etcd.WaitUntilHealthyAsync(cancel).ConfigureAwait(false);
    }, cancel);

    /// <summary>Every node is left with one member, which can do nothing alone.</summary>
    public Task<FaultReport> CutOffMajorityAsync(CancellationToken cancel) => RunAsync("two members are cut off from the third and all nodes", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel).ConfigureAwait(false);
        EtcdMember[] cut = [leader, vpc.Etcd.Members.First(member => member != leader)];
        await WithoutQuorumAsync(report, () => vpc.Etcd.CutOffAsync(cancel, cut), () => vpc.Etcd.HealAsync(cancel, cut), cancel).ConfigureAwait(false);
    }, cancel);

    public Task<FaultReport> LoseQuorumAsync(CancellationToken cancel) => RunAsync("two members are killed", report => WithoutQuorumAsync(report,
        () => Task.WhenAll(vpc.Etcd.Members.Take(2).Select(member => member.KillAsync(cancel))), () => vpc.Etcd.StartMembersAsync(cancel), cancel), cancel);

    public Task<FaultReport> RestartAllAsync(CancellationToken cancel) => RunAsync("all members are killed and started again", async report =>
    {
        report.Begin();
        await Task.WhenAll(vpc.Etcd.Members.Select(member => member.KillAsync(cancel))).ConfigureAwait(false);
        await Task.WhenAll(vpc.Etcd.Members.Select(vpc.Etcd.StartMemberAsync)).ConfigureAwait(false);
        await ServedAsync(report, Nodes, cancel).ConfigureAwait(false);
    }, cancel);

    /// <summary>As an operator upgrades etcd.</summary>
    public Task<FaultReport> RestartOneByOneAsync(CancellationToken cancel) => RunAsync("the members are restarted one after the other", async report =>
    {
        report.Begin();
        foreach (var member in vpc.Etcd.Members)
        {
            await member.StopAsync(cancel).ConfigureAwait(false);
            await vpc.Etcd.StartMembersAsync(cancel).ConfigureAwait(false);
        }
        report.Reached("the last is back");
        await ServedAsync(report, Nodes, cancel).ConfigureAwait(false);
    }, cancel);

    /// <summary>What the daemons and the members said: for a failed test.</summary>
    public string Everything => string.Join('\n', Nodes.Select(node => $"--- {node.Name}\n{node.Daemon.Everything}").Concat(vpc.Etcd.Members.Select(member => $"--- {member.Name}\n{member.Process.StandardError}")));

    public ValueTask DisposeAsync() => vpc.DisposeAsync();

    /// <summary>One fault, between two looks at all that must not change.</summary>
    private async Task<FaultReport> RunAsync(string fault, Func<FaultReport, Task> run, CancellationToken cancel)
    {
        var report = new FaultReport(fault);
        var before = await ClusterCensus.TakeAsync(vpc, Nodes, cancel).ConfigureAwait(false);
        await OneControllerAsync(cancel).ConfigureAwait(false);
        // What the fault before made fail late is asked again within seconds. Until then a node would not say anew that etcd is gone.
        await Eventually.IsAsync("every node reaches etcd", () => Task.FromResult(!Nodes.Any(SaysGone)), cancel, limit,
            () => string.Join('\n', Nodes.Where(SaysGone).Select(node => node.Daemon.Everything))).ConfigureAwait(false);
        await using var readiness = new ReadinessWatch(Nodes);
        await run(report).ConfigureAwait(false);
        await HeardAsync(Nodes, cancel).ConfigureAwait(false);
        await OneControllerAsync(cancel).ConfigureAwait(false);
        var after = await ClusterCensus.TakeAsync(vpc, Nodes, cancel).ConfigureAwait(false);
        var rounds = readiness.Rounds;
        await Eventually.IsAsync("all nodes were asked once more", () => Task.FromResult(readiness.Rounds >= rounds + 2), cancel).ConfigureAwait(false);
        report.ReadinessRounds = readiness.Rounds;
        report.Lost = [.. after.LostSince(before), .. readiness.NotReady.Select(node => $"{node.Key} was not ready {node.Value} times")];
        return report;
    }

    private async Task WithoutQuorumAsync(FaultReport report, Func<Task> cut, Func<Task> heal, CancellationToken cancel)
    {
        report.Begin();
        await cut().ConfigureAwait(false);
        var newcomer = await NewcomerAsync().ConfigureAwait(false);
        await Eventually.IsAsync("every node says that etcd does not answer", () => Task.FromResult(Nodes.All(SaysGone)), cancel, limit, Laggards).ConfigureAwait(false);
        report.Reached("the last node has said that etcd does not answer");
        await Eventually.IsAsync("nobody is controller", async () => (await ControllersAsync(cancel).ConfigureAwait(false)).Count == 0, cancel, limit).ConfigureAwait(false);
        report.Reached("nobody acts as controller any more");

        report.Begin();
        await heal().ConfigureAwait(false);
        await ServedAsync(report, Nodes, cancel, "after the repair: ", newcomer).ConfigureAwait(false);

        string Laggards() => string.Join('\n', Nodes.Where(node => !SaysGone(node)).Select(node => node.Daemon.Everything));
    }

    /// <summary>Whether that is the last that the node said of it.</summary>
    private static bool SaysGone(ClusterNode node)
    {
        var said = node.Daemon.StandardError;
        return said.LastIndexOf(EtcdGone, StringComparison.Ordinal) > said.LastIndexOf(EtcdBack, StringComparison.Ordinal);
    }

    /// <summary>Everything works: a write, a word to all nodes, one controller, a newcomer that gets its subnet and its route.</summary>
    private async Task ServedAsync(FaultReport report, IReadOnlyList<ClusterNode> nodes, CancellationToken cancel, string when = "", ClusterNode? newcomer = null)
    {
        newcomer ??= await NewcomerAsync().ConfigureAwait(false);
        await HeardAsync(nodes, cancel, () => report.Reached($"{when}etcd takes a write again")).ConfigureAwait(false);
        report.Reached($"{when}the last of {nodes.Count} nodes hears of it");
        await newcomer.Daemon.WaitForReadyAsync(cancel, limit).ConfigureAwait(false);
        report.Reached($"{when}a node that was started meanwhile has its subnet and its route");
        await newcomer.Daemon.StopAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Writes the configuration with another blank in it, and waits until each node has seen it.</summary>
    private async Task HeardAsync(IReadOnlyList<ClusterNode> nodes, CancellationToken cancel, Action? written = null)
    {
        var said = nodes.ToDictionary(node => node, node => node.Said(ConfigSeen));
        config += " ";
        await vpc.Etcd.PutEventuallyAsync(Config, config, cancel).ConfigureAwait(false);
        written?.Invoke();
        await Eventually.IsAsync("every node hears from etcd", () => Task.FromResult(nodes.All(node => node.Said(ConfigSeen) > said[node])), cancel, limit,
            () => string.Join('\n', nodes.Where(node => node.Said(ConfigSeen) == said[node]).Select(node => $"{node.Name} does not:\n{node.Daemon.Everything}"))).ConfigureAwait(false);
    }

    private async Task<ClusterNode> NewcomerAsync()
    {
        var newcomer = newcomers.Dequeue();
        await newcomer.Instance.StartDaemonAsync().ConfigureAwait(false);
        return newcomer;
    }

    /// <summary>Waits until one of the nodes acts as controller, no other does, and etcd names it.</summary>
    private Task<ClusterNode> OneControllerAsync(CancellationToken cancel) => Eventually.HasAsync("exactly one node is the route controller", async () =>
        await vpc.ControllerAsync(cancel).ConfigureAwait(false) is { } named && await ControllersAsync(cancel).ConfigureAwait(false) is [var acting] && acting == named ? named : null, cancel, limit);

    private async Task<List<ClusterNode>> ControllersAsync(CancellationToken cancel)
    {
        List<ClusterNode> acting = [];
        foreach (var node in Nodes)
        {
            if (await node.IsControllerAsync(cancel).ConfigureAwait(false))
            {
                acting.Add(node);
            }
        }
        return acting;
    }
}
