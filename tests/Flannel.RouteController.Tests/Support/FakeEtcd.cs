using System.Collections.Concurrent;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Inventory;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Support;

/// <summary>The leases of a cluster, as its nodes make and lose them.</summary>
internal sealed class FakeLeases : ILeaseSource
{
    private readonly Lock gate = new();
    private readonly List<Lease> leases = [];
    private TaskCompletionSource changed = new();
    private long revision = 100;
    private long generation = 1;

    public NetworkConfig? Config { get; set; } = ConfigFor("10.24.0.0/16");

    public bool IsWhole { get; set; } = true;

    /// <summary>As the follower numbers its listings; see <see cref="LeaseSnapshot.Listing"/>.</summary>
    public long Listing { get; private set; } = 1;

    /// <summary>The cluster's id in etcd; null while no controller has created it.</summary>
    public ClusterId? Cluster { get; set; } = FakeTerm.OurCluster;

    /// <summary>The id that a controller creates where there is none.</summary>
    public Func<ClusterId> NewCluster { get; set; } = ClusterId.New;

    /// <summary>What stands in etcd about missing leases.</summary>
    public byte[]? AbsentLeases { get; set; }

    /// <summary>Whose the election's key is.</summary>
    public object? Holder { get; set; }

    /// <summary>What etcd says to a linearizable read, if the view lags behind it; null when the view is up to date.</summary>
    public IReadOnlyList<Lease>? InEtcd { get; set; }

    public LeaseSnapshot Snapshot
    {
        get
        {
            lock (gate) return new LeaseSnapshot(Config, [.. leases], revision, IsWhole) { Generation = generation, Listing = Listing };
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

    /// <summary>The end of a lease that an etcd which is another one by now may not have.</summary>
    public void RemoveIfThere(string subnet)
    {
        if (Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet)) Remove(subnet);
    }

    /// <summary>The watch broke, and the leases were listed anew: as after a restore, a replacement or any other break.</summary>
    /// <param name="lost">Leases that the new listing lacks.</param>
    public void ListAnew(params string[] lost)
    {
        lock (gate)
        {
            revision++;
            Listing++;
            leases.RemoveAll(lease => lost.Contains(lease.Subnet.ToString()));
        }

        Tell();
    }

    /// <summary>Everything that etcd holds, as a backup has it.</summary>
    public EtcdContent Backup()
    {
        lock (gate) return new EtcdContent(Config, [.. leases], Cluster, AbsentLeases, Holder);
    }

    /// <summary>Another etcd, or the same one from a backup: the watch breaks, and everything is listed anew.</summary>
    public void Restore(EtcdContent content)
    {
        lock (gate)
        {
            revision++;
            Listing++;
            leases.Clear();
            leases.AddRange(content.Leases);
            (Config, Cluster, AbsentLeases, Holder) = (content.Config, content.Cluster, content.AbsentLeases, content.Holder);
        }

        Tell();
    }

    /// <summary>An operator deletes every key below the prefix; whoever watches is told so.</summary>
    public void DeleteAll()
    {
        lock (gate)
        {
            revision++;
            leases.Clear();
            (Config, Cluster, AbsentLeases, Holder) = (null, null, null, null);
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

/// <summary>All keys of a cluster in etcd, apart from the statuses.</summary>
internal sealed record EtcdContent(NetworkConfig? Config, IReadOnlyList<Lease> Leases, ClusterId? Cluster, byte[]? AbsentLeases, object? Holder)
{
    /// <summary>A new etcd, into which an operator has put the configuration again.</summary>
    public static EtcdContent Empty(NetworkConfig? config) => new(config, [], null, null, null);
}

/// <summary>A held election, and the statuses in etcd. The newest term of an etcd holds the election until the key is lost with the etcd.</summary>
internal sealed class FakeTerm : IRouteControllerTerm, IDisposable
{
    private readonly TimeProvider time;
    private readonly FakeLeases leases;
    private readonly CancellationTokenSource lost = new();
    private readonly long began;

    public FakeTerm(TimeProvider time, FakeLeases leases)
    {
        (this.time, this.leases) = (time, leases);
        began = time.GetTimestamp();
        leases.Holder = this;
    }

    public static readonly ClusterId OurCluster = Id("0123456789abcdef");
    public static readonly ClusterId OtherCluster = Id("fedcba9876543210");

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

    /// <summary>As this term read it.</summary>
    public ClusterId? Cluster { get; private set; }

    private bool IsOwn => IsHeld && !lost.IsCancellationRequested && ReferenceEquals(leases.Holder, this);

    public async ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation)
    {
        // An etcd that is another one by now has no place for this term's id.
        while (!ReferenceEquals(leases.Holder, this)) await Task.Delay(TimeSpan.FromSeconds(1), time, cancellation);
        return Cluster = leases.Cluster ??= leases.NewCluster();
    }

    public ValueTask<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation) => new(leases.AbsentLeases);

    public async ValueTask<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        OnStep();
        if (!IsOwn || leases.Cluster != Cluster) return false;
        leases.AbsentLeases = document.ToArray();
        return true;
    }

    public async ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<Ipv4Network> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        Proofs++;
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        OnProof();
        OnStep();
        if (!IsOwn || leases.Cluster != Cluster) return TermProof.Unproven;
        var inEtcd = leases.InEtcd ?? leases.Snapshot.Leases;
        var isAbsent = absent.All(subnet => inEtcd.All(lease => lease.Subnet != subnet));
        var isUnchanged = unchanged.All(lease => inEtcd.Any(other => other.Key == lease.Key && other.ModRevision == lease.ModRevision));
        return isAbsent && isUnchanged ? TermProof.Proven : TermProof.LeasesDiffer;
    }

    public ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation)
    {
        OnStep();
        return new(new Dictionary<string, RouteStatus>(Statuses));
    }

    public async ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        if (!IsOwn) return false;
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

    private static ClusterId Id(string text) => ClusterId.TryParse(text, out var id) ? id : throw new ArgumentException(text, nameof(text));

    public async ValueTask<StatusPublication> PublishAsync(IReadOnlyList<(Lease Lease, RouteStatus Status)> statuses, CancellationToken cancellation)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        OnStep();
        if (!IsOwn) return new StatusPublication(IsTermHeld: false, []);
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
