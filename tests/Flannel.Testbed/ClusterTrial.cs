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
        var vpc = await ClusterVpc.StartAsync(new World { Instances = World.MakeInstances(nodes + Newcomers) }, members: 3, cancel);
        var trial = new ClusterTrial(vpc, nodes);
        try
        {
            await vpc.PublishConfigAsync(cancel);
            await Task.WhenAll(trial.Nodes.Select(node => node.StartReadyAsync(cancel)));
            return trial;
        }
        catch
        {
            await trial.DisposeAsync();
            throw;
        }
    }

    public Task<FaultReport> KillLeaderAsync(CancellationToken cancel) => RunAsync("the leader is killed", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        report.Begin();
        await leader.KillAsync(cancel);
        await ServedAsync(report, Nodes, cancel);
        await vpc.Etcd.StartMembersAsync(cancel);
    }, cancel);

    /// <summary>It holds its connections, takes new ones, and answers nobody.</summary>
    public Task<FaultReport> HangLeaderAsync(CancellationToken cancel) => RunAsync("the leader hangs (SIGSTOP)", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        report.Begin();
        leader.Process.Pause();
        try
        {
            await ServedAsync(report, Nodes, cancel);
        }
        finally
        {
            leader.Process.Resume();
        }
        await vpc.Etcd.WaitUntilHealthyAsync(cancel);
    }, cancel);

    /// <summary>The worst minority: the leader, with the node that is the route controller.</summary>
    public Task<FaultReport> CutOffMinorityAsync(CancellationToken cancel) => RunAsync("the leader and the controller's node are cut off from the rest", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        var old = await OneControllerAsync(cancel);
        var noticed = old.Said(EtcdGone);
        report.Begin();
        await vpc.Etcd.CutOffAsync(cancel, leader);
        await vpc.CutOffAsync(old, cancel);
        await ServedAsync(report, [.. Nodes.Where(node => node != old)], cancel);
        await Eventually.IsAsync("another node is controller, and the old one knows that it is not", async () =>
        {
            var next = await vpc.ControllerAsync(cancel);
            if (next is null || next == old || !await next.IsControllerAsync(cancel))
            {
                return false;
            }
            return !await old.IsControllerAsync(cancel) ? true : throw new TestbedException($"{old.Name} acts as controller beside {next.Name}");
        }, cancel, limit);
        await Eventually.IsAsync($"{old.Name} says that etcd does not answer", () => Task.FromResult(old.Said(EtcdGone) > noticed), cancel, limit, () => old.Daemon.Everything);

        report.Begin();
        await vpc.Etcd.HealAsync(cancel, leader);
        await vpc.HealAsync(old, cancel);
        await HeardAsync(Nodes, cancel);
        report.Reached("after the repair: the cut off node hears from etcd, too");
        await vpc.Etcd.WaitUntilHealthyAsync(cancel);
    }, cancel);

    /// <summary>Every node is left with one member, which can do nothing alone.</summary>
    public Task<FaultReport> CutOffMajorityAsync(CancellationToken cancel) => RunAsync("two members are cut off from the third and all nodes", async report =>
    {
        var leader = await vpc.Etcd.LeaderAsync(cancel);
        EtcdMember[] cut = [leader, vpc.Etcd.Members.First(member => member != leader)];
        await WithoutQuorumAsync(report, () => vpc.Etcd.CutOffAsync(cancel, cut), () => vpc.Etcd.HealAsync(cancel, cut), cancel);
    }, cancel);

    public Task<FaultReport> LoseQuorumAsync(CancellationToken cancel) => RunAsync("two members are killed", report => WithoutQuorumAsync(report,
        () => Task.WhenAll(vpc.Etcd.Members.Take(2).Select(member => member.KillAsync(cancel))), () => vpc.Etcd.StartMembersAsync(cancel), cancel), cancel);

    public Task<FaultReport> RestartAllAsync(CancellationToken cancel) => RunAsync("all members are killed and started again", async report =>
    {
        report.Begin();
        await Task.WhenAll(vpc.Etcd.Members.Select(member => member.KillAsync(cancel)));
        await Task.WhenAll(vpc.Etcd.Members.Select(vpc.Etcd.StartMemberAsync));
        await ServedAsync(report, Nodes, cancel);
    }, cancel);

    /// <summary>As an operator upgrades etcd.</summary>
    public Task<FaultReport> RestartOneByOneAsync(CancellationToken cancel) => RunAsync("the members are restarted one after the other", async report =>
    {
        report.Begin();
        foreach (var member in vpc.Etcd.Members)
        {
            await member.StopAsync(cancel);
            await vpc.Etcd.StartMembersAsync(cancel);
        }
        report.Reached("the last is back");
        await ServedAsync(report, Nodes, cancel);
    }, cancel);

    /// <summary>What the daemons and the members said: for a failed test.</summary>
    public string Everything => string.Join('\n', Nodes.Select(node => $"--- {node.Name}\n{node.Daemon.Everything}").Concat(vpc.Etcd.Members.Select(member => $"--- {member.Name}\n{member.Process.StandardError}")));

    public ValueTask DisposeAsync() => vpc.DisposeAsync();

    /// <summary>One fault, between two looks at all that must not change.</summary>
    private async Task<FaultReport> RunAsync(string fault, Func<FaultReport, Task> run, CancellationToken cancel)
    {
        var report = new FaultReport(fault);
        var before = await ClusterCensus.TakeAsync(vpc, Nodes, cancel);
        await OneControllerAsync(cancel);
        // What the fault before made fail late is asked again within seconds. Until then a node would not say anew that etcd is gone.
        await Eventually.IsAsync("every node reaches etcd", () => Task.FromResult(!Nodes.Any(SaysGone)), cancel, limit,
            () => string.Join('\n', Nodes.Where(SaysGone).Select(node => node.Daemon.Everything)));
        await using var readiness = new ReadinessWatch(Nodes);
        await run(report);
        await HeardAsync(Nodes, cancel);
        await OneControllerAsync(cancel);
        var after = await ClusterCensus.TakeAsync(vpc, Nodes, cancel);
        var rounds = readiness.Rounds;
        await Eventually.IsAsync("all nodes were asked once more", () => Task.FromResult(readiness.Rounds >= rounds + 2), cancel);
        report.ReadinessRounds = readiness.Rounds;
        report.Lost = [.. after.LostSince(before), .. readiness.NotReady.Select(node => $"{node.Key} was not ready {node.Value} times")];
        return report;
    }

    private async Task WithoutQuorumAsync(FaultReport report, Func<Task> cut, Func<Task> heal, CancellationToken cancel)
    {
        report.Begin();
        await cut();
        var newcomer = await NewcomerAsync();
        await Eventually.IsAsync("every node says that etcd does not answer", () => Task.FromResult(Nodes.All(SaysGone)), cancel, limit, Laggards);
        report.Reached("the last node has said that etcd does not answer");
        await Eventually.IsAsync("nobody is controller", async () => (await ControllersAsync(cancel)).Count == 0, cancel, limit);
        report.Reached("nobody acts as controller any more");

        report.Begin();
        await heal();
        await ServedAsync(report, Nodes, cancel, "after the repair: ", newcomer);

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
        newcomer ??= await NewcomerAsync();
        await HeardAsync(nodes, cancel, () => report.Reached($"{when}etcd takes a write again"));
        report.Reached($"{when}the last of {nodes.Count} nodes hears of it");
        await newcomer.Daemon.WaitForReadyAsync(cancel, limit);
        report.Reached($"{when}a node that was started meanwhile has its subnet and its route");
        await newcomer.Daemon.StopAsync(cancel);
    }

    /// <summary>Writes the configuration with another blank in it, and waits until each node has seen it.</summary>
    private async Task HeardAsync(IReadOnlyList<ClusterNode> nodes, CancellationToken cancel, Action? written = null)
    {
        var said = nodes.ToDictionary(node => node, node => node.Said(ConfigSeen));
        config += " ";
        await vpc.Etcd.PutEventuallyAsync(Config, config, cancel);
        written?.Invoke();
        await Eventually.IsAsync("every node hears from etcd", () => Task.FromResult(nodes.All(node => node.Said(ConfigSeen) > said[node])), cancel, limit,
            () => string.Join('\n', nodes.Where(node => node.Said(ConfigSeen) == said[node]).Select(node => $"{node.Name} does not:\n{node.Daemon.Everything}")));
    }

    private async Task<ClusterNode> NewcomerAsync()
    {
        var newcomer = newcomers.Dequeue();
        await newcomer.Instance.StartDaemonAsync();
        return newcomer;
    }

    /// <summary>Waits until one of the nodes acts as controller, no other does, and etcd names it.</summary>
    private Task<ClusterNode> OneControllerAsync(CancellationToken cancel) => Eventually.HasAsync("exactly one node is the route controller", async () =>
        await vpc.ControllerAsync(cancel) is { } named && await ControllersAsync(cancel) is [var acting] && acting == named ? named : null, cancel, limit);

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
