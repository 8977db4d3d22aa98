using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd;
using Flannel.Etcd.Control;
using Flannel.Etcd.Leasing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One run of a node's daemon: the real acquisition, keeper and election, put together as <c>src/Flanneld/Node</c> does.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "a killed process disposes of nothing")]
internal sealed class Daemon
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan Recheck = TimeSpan.FromMinutes(5);

    private readonly Cluster cluster;
    private readonly Random random;
    private readonly ProcessClock clock;
    private readonly CancellationTokenSource stop = new();
    private readonly CancellationTokenSource end = new();

    public Daemon(Cluster cluster, Machine machine, int seed)
    {
        this.cluster = cluster;
        Machine = machine;
        random = new Random(seed);
        Started = cluster.Scheduler.Now;
        Context = new ProcessContext(cluster.Scheduler);
        clock = new ProcessClock(cluster.Scheduler, Context, () => machine.WallClockError);
        Etcd = new SimulatedEtcd(machine.Name, cluster.Scheduler, Context, cluster.Store, new Witness(cluster, this), cluster.Weather);
        if (machine.IsCutOff) Etcd.CutOff();
    }

    public Machine Machine { get; }

    public TimeSpan Started { get; }

    public ProcessContext Context { get; }

    public SimulatedEtcd Etcd { get; }

    /// <summary>What it believes to be its own; null while it does not use any subnet.</summary>
    public Belief? Belief { get; private set; }

    public bool HasRoute { get; private set; }

    public bool IsReady => Belief is not null && HasRoute;

    /// <summary>The term it works in, if it does.</summary>
    public ControllerTerm? Term { get; private set; }

    public bool ActsAsController => Term is { Lost.IsCancellationRequested: false };

    /// <summary>The claim was touched by somebody from outside since it was won: then it may be lost.</summary>
    public string? Disturbance { get; set; }

    public void Start(bool withSubnetFile)
    {
        var previous = withSubnetFile ? Machine.SubnetFile : null;
        Context.Post(
            async _ =>
            {
                try
                {
                    await RunAsync(previous);
                }
                catch (OperationCanceledException) when (stop.IsCancellationRequested)
                {
                }
                catch (Exception e)
                {
                    cluster.Fail($"{Machine.Name}: {e}");
                }

                cluster.Ended(this);
            },
            null);
    }

    /// <summary>As systemd stops it.</summary>
    public void Stop() => Context.Deliver(() => Context.Post(_ => stop.Cancel(), null));

    public void Kill()
    {
        Context.Kill();
        Etcd.Abandon();
        Belief = null;
        Term = null;
    }

    private async Task RunAsync(Ipv4Network? previous)
    {
        var registry = new SubnetRegistry(Etcd, cluster.Keys, clock, random, NullLogger.Instance, LeaseTime);
        if (await TakeAsync(registry, previous) is not { } held) return;
        cluster.Trace(Machine, $"holds {held.Lease.Key} {held.WasFound}", held.Lease.EtcdLeaseId);
        var claim = held.Lease.Key;
        var candidate = Machine.MayControl ? StandAsync(end.Token) : Task.CompletedTask;
        try
        {
            var keeper = new LeaseKeeper(Etcd, cluster.Keys, held, Margin, clock, random, NullLogger.Instance, LeaseTime);
            await foreach (var news in keeper.KeepAsync(stop.Token)) Take(claim, news);
        }
        finally
        {
            Belief = null;
            end.Cancel();
            await candidate;
        }
    }

    private async Task<HeldLease?> TakeAsync(SubnetRegistry registry, Ipv4Network? previous)
    {
        while (true)
        {
            var known = await registry.WaitForConfigAsync(_ => { }, stop.Token);
            if (((ConfigState.Present)known.Config).Config.BackendType != "ali-vpc")
            {
                await registry.WaitForConfigChangeAsync(known.Revision, Recheck, stop.Token);
                continue;
            }

            var request = new AcquireRequest(
                Machine.PublicIp,
                previous,
                config => config.BackendType == "ali-vpc"
                    ? new LeaseAttributes(Machine.PublicIp, null, "ali-vpc", $$"""{"InstanceId":"{{Machine.Instance}}"}""", null)
                    : null);
            switch (await registry.AcquireAsync(request, stop.Token, known))
            {
                case AcquireResult.Held held:
                    return held.Lease;
                case AcquireResult.OutOfSubnets full:
                    cluster.Trace(Machine, "out of subnets");
                    await registry.WaitForRoomAsync(full.Revision, Recheck, stop.Token);
                    break;
                case AcquireResult.Refused refused:
                    cluster.Fail($"{Machine.Name}: refused: {refused.Error}");
                    return null;
            }
        }
    }

    private void Take(SubnetKey claim, LeaseEvent news)
    {
        cluster.Trace(Machine, news.GetType().Name);
        switch (news)
        {
            case LeaseEvent.Confirmed:
                Belief = new Belief(claim);
                Machine.SubnetFile = claim.Subnet;
                cluster.Invariants.Confirmed(this);
                break;
            case LeaseEvent.Expired:
                Belief = null;
                break;
            case LeaseEvent.Lost lost:
                Belief = null;
                Machine.SubnetFile = null;
                cluster.Trace(Machine, $"{lost.Loss}: {lost.Reason}");
                cluster.Invariants.Lost(this, claim, lost);
                break;
            case LeaseEvent.RouteStatusChanged changed:
                HasRoute = changed.Status is { State: RouteState.Available } status && status.SpeaksOf(claim.Subnet, Machine.Instance);
                break;
        }
    }

    private async Task StandAsync(CancellationToken cancellation)
    {
        var election = new Election(
            Etcd, cluster.Keys, new ControllerHolder(Machine.Instance, Machine.PublicIp.ToString()), clock, random, NullLogger.Instance);
        try
        {
            while (true)
            {
                await using var term = await election.CampaignAsync(cancellation);
                cluster.Trace(Machine, "elected", term.Revision);
                try
                {
                    await new ControllerWork(cluster, this, term, clock, random).RunAsync(() => Term = term, cancellation);
                }
                finally
                {
                    cluster.Trace(Machine, "term over", term.Revision);
                    Term = null;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }
}

/// <summary>A subnet that a daemon uses.</summary>
internal sealed class Belief(SubnetKey key)
{
    public SubnetKey Key { get; } = key;

    /// <summary>Somebody took it away behind the daemon's back; by then it must have noticed.</summary>
    public TimeSpan? Doomed { get; set; }
}
