using System.Collections.Concurrent;
using Flannel.AliVpc.Control;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;

namespace Flannel.AliVpc.Tests.Control.Support;

/// <summary>The leases of a cluster, as its nodes make and lose them.</summary>
internal sealed class FakeLeases : ILeaseView
{
    private readonly Lock gate = new();
    private readonly List<Lease> leases = [];
    private TaskCompletionSource changed = new();
    private long revision = 100;
    private long generation = 1;

    public NetworkConfig? Config { get; set; } = ConfigFor("10.24.0.0/16");

    public bool IsWhole { get; set; } = true;

    public LeaseSnapshot Snapshot
    {
        get
        {
            lock (gate) return new LeaseSnapshot(Config, [.. leases], revision, IsWhole) { Generation = generation };
        }
    }

    public static NetworkConfig ConfigFor(string network)
    {
        var prefix = Ipv4Network.Parse(network);
        return new NetworkConfig
        {
            Network = prefix,
            SubnetLength = 24,
            SubnetMin = prefix.Address,
            SubnetMax = prefix.Last,
            BackendType = "ali-vpc",
        };
    }

    public Lease Add(string subnet, string instance, string vpc = "vpc-1", string vSwitch = "vsw-1", bool primary = true)
    {
        var data = new AliVpcBackendData("cn-hangzhou", vpc, vSwitch, instance, $"eni-{instance}", primary);
        return Add(subnet, "ali-vpc", data.ToJson());
    }

    /// <summary>The node says that it leaves: <c>flanneld release</c>.</summary>
    public void Release(string subnet)
    {
        lock (gate)
        {
            revision++;
            var index = leases.FindIndex(lease => lease.Subnet == Ipv4Network.Parse(subnet));
            var attributes = leases[index].Attributes;
            var node = AliVpcBackendData.Parse(attributes.BackendData)! with { Released = true };
            leases[index] = leases[index] with { Attributes = attributes with { BackendData = node.ToJson() }, ModRevision = revision };
        }

        Tell();
    }

    /// <summary>As after a restore of etcd: the key was made anew, with the very revision of before, and hangs on another etcd lease.</summary>
    public void Reattach(string subnet, long etcdLeaseId)
    {
        lock (gate)
        {
            var index = leases.FindIndex(lease => lease.Subnet == Ipv4Network.Parse(subnet));
            leases[index] = leases[index] with { EtcdLeaseId = etcdLeaseId };
        }

        Tell();
    }

    public Lease Add(string subnet, string backend, string? data)
    {
        Lease lease;
        lock (gate)
        {
            revision++;
            lease = new Lease(
                new SubnetKey(Ipv4Network.Parse(subnet)), new LeaseAttributes(default, null, backend, data, null), revision, revision, revision);
            leases.RemoveAll(old => old.Key == lease.Key);
            leases.Add(lease);
        }

        Tell();
        return lease;
    }

    public void Remove(string subnet)
    {
        lock (gate)
        {
            revision++;
            Assert.Equal(1, leases.RemoveAll(lease => lease.Subnet.ToString() == subnet));
        }

        Tell();
    }

    /// <summary>Something changed that is no lease, such as the configuration.</summary>
    public void Touch()
    {
        lock (gate) revision++;
        Tell();
    }

    public ValueTask<LeaseSnapshot> CurrentAsync(CancellationToken cancellation) => new(Snapshot);

    public async Task ChangedAfterAsync(long seen, CancellationToken cancellation)
    {
        while (true)
        {
            Task waiting;
            lock (gate)
            {
                if (generation > seen) return;
                waiting = changed.Task;
            }

            await waiting.WaitAsync(cancellation);
        }
    }

    private void Tell()
    {
        TaskCompletionSource before;
        lock (gate)
        {
            generation++;
            before = changed;
            changed = new TaskCompletionSource();
        }

        before.TrySetResult();
    }
}

/// <summary>A held election, and the statuses in etcd.</summary>
internal sealed class FakeTerm(TimeProvider time, FakeLeases leases) : IControllerTerm, IDisposable
{
    private readonly CancellationTokenSource lost = new();
    private readonly long began = time.GetTimestamp();

    public CancellationToken Lost => lost.Token;

    /// <summary>What etcd answers when asked.</summary>
    public bool IsHeld { get; set; } = true;

    public int Proofs { get; private set; }

    /// <summary>Happens while etcd is being asked.</summary>
    public Action OnProof { get; set; } = () => { };

    public ConcurrentDictionary<string, RouteStatus> Statuses { get; init; } = [];

    public List<(TimeSpan At, RouteStatus Status)> Published { get; } = [];

    public int Publications { get; private set; }

    /// <summary>Whose status etcd refuses to write.</summary>
    public Func<Lease, bool> Refuses { get; set; } = _ => false;

    /// <summary>Told before and after each thing that etcd does for the term.</summary>
    public Action OnStep { get; set; } = () => { };

    public void Lose() => lost.Cancel();

    public void Dispose() => lost.Dispose();

    public async ValueTask<bool> StillHeldAsync(CancellationToken cancellation)
    {
        Proofs++;
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        OnProof();
        OnStep();
        return IsHeld && !lost.IsCancellationRequested;
    }

    public ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation)
    {
        OnStep();
        return new(new Dictionary<string, RouteStatus>(Statuses));
    }

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        if (!IsHeld || lost.IsCancellationRequested) return false;
        foreach (var key in subnetKeys)
        {
            if (!leases.Snapshot.Leases.Any(lease => lease.Key.ToString() == key)) Statuses.TryRemove(key, out _);
        }

        OnStep();
        return true;
    }

    /// <summary>By VPC: the ranges of its vSwitches that nodes read.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<Ipv4Network>> VSwitches { get; } = [];

    public ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation)
    {
        OnStep();
        if (!IsHeld || lost.IsCancellationRequested) return new(false);
        VSwitches[vpcId] = ranges;
        OnStep();
        return new(true);
    }

    public async ValueTask<StatusPublication> PublishAsync(IReadOnlyList<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        OnStep();
        if (!IsHeld || lost.IsCancellationRequested) return StatusPublication.TermOver;
        Publications++;
        List<string> refused = [];
        foreach (var (lease, status) in statuses)
        {
            if (Refuses(lease))
            {
                refused.Add(lease.Key.ToString());
                continue;
            }

            if (!leases.Snapshot.Leases.Any(l => l.Key == lease.Key && l.CreateRevision == lease.CreateRevision)) continue;
            Statuses[lease.Key.ToString()] = status;
            Published.Add((time.GetElapsedTime(began), status));
        }

        OnStep();
        return new StatusPublication(IsTermHeld: true, refused);
    }
}
