using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Support;

/// <summary>A lease source in memory, with the other keys of the cluster: the configuration, the cluster's id, the document of absent
/// leases and the holder of the election. Tests change it as nodes, operators and restores do.</summary>
internal sealed class InMemoryLeases : ILeaseSource
{
    private readonly Lock gate = new();
    private readonly List<Lease> leases = [];
    private TaskCompletionSource changed = new();
    private long revision = 100;
    private long generation = 1;

    public NetworkConfig? Config { get; set; } = ConfigFor("10.24.0.0/16");

    public bool IsComplete { get; set; } = true;

    /// <summary>See <see cref="LeaseSnapshot.EndedBefore"/>.</summary>
    public IReadOnlyList<Lease> EndedBefore { get; set; } = [];

    /// <summary>See <see cref="LeaseSnapshot.Listing"/>.</summary>
    public long Listing { get; private set; } = 1;

    /// <summary>The cluster's id in etcd; null while no controller has created it.</summary>
    public ClusterId? Cluster { get; set; } = InMemoryTerm.OurCluster;

    /// <summary>The id that a controller creates where there is none.</summary>
    public Func<ClusterId> NewCluster { get; set; } = ClusterId.New;

    /// <summary>The stored document of absent leases.</summary>
    public byte[]? AbsentLeases { get; set; }

    /// <summary>The term that holds the election's key.</summary>
    public object? Holder { get; set; }

    /// <summary>The leases that a linearizable read returns, if the watch lags behind; null if it does not.</summary>
    public IReadOnlyList<Lease>? InEtcd { get; set; }

    public LeaseSnapshot Snapshot
    {
        get
        {
            lock (gate)
            {
                return new LeaseSnapshot(Config, [.. leases], revision, IsComplete)
                {
                    Generation = generation,
                    Listing = Listing,
                    EndedBefore = EndedBefore,
                };
            }
        }
    }

    /// <param name="ipv6">The IPv6 network; null for none.</param>
    public static NetworkConfig ConfigFor(string network, string? ipv6 = null)
    {
        var prefix = Ipv4Network.Parse(network);
        return new NetworkConfig
        {
            Network = prefix,
            SubnetLength = 24,
            SubnetMin = prefix.Address,
            SubnetMax = prefix.Last,
            BackendType = "ali-vpc",
            Ipv6 = ipv6 is null ? null : Ipv6ConfigFor(Ipv6Network.Parse(ipv6)),
        };
    }

    private static Ipv6Config Ipv6ConfigFor(Ipv6Network network) => new(network, 64, network.Address, network.Last);

    /// <param name="ipv6">The IPv6 subnet; null for none.</param>
    public Lease Add(
        string subnet, string instance, string vpc = "vpc-1", string vSwitch = "vsw-1", bool primary = true, string? ipv6 = null)
    {
        var data = new AliVpcBackendData("cn-hangzhou", vpc, vSwitch, instance, $"eni-{instance}", primary);
        return AddLease(subnet, ipv6, "ali-vpc", data.ToJson());
    }

    /// <summary>The node releases its subnet: <c>flanneld release</c>.</summary>
    public void Release(string subnet)
    {
        lock (gate)
        {
            revision++;
            var index = leases.FindIndex(lease => lease.Subnet == Ipv4Network.Parse(subnet));
            var attributes = leases[index].Attributes;
            var node = AliVpcBackendData.Parse(attributes.BackendData)! with { Released = true };
            leases[index] = leases[index] with { Attributes = attributes with { BackendData = node.ToJson() }, Version = revision };
        }

        NotifyWatchers();
    }

    /// <summary>As after a restore of etcd: the key was created again with the same revision, and is attached to another etcd
    /// lease.</summary>
    public void Reattach(string subnet, long etcdLeaseId)
    {
        lock (gate)
        {
            var index = leases.FindIndex(lease => lease.Subnet == Ipv4Network.Parse(subnet));
            leases[index] = leases[index] with { Identity = new TestLeaseIdentity(leases[index].Identity.Order, etcdLeaseId) };
        }

        NotifyWatchers();
    }

    public Lease Add(string subnet, string backend, string? data) => AddLease(subnet, null, backend, data);

    /// <summary>As in Kubernetes, where two Nodes can have one podCIDR.</summary>
    public void AddSecond(string subnet, string instance)
    {
        lock (gate)
        {
            revision++;
            var first = leases.Find(lease => lease.Subnet == Ipv4Network.Parse(subnet))!;
            var data = new AliVpcBackendData("cn-hangzhou", "vpc-1", "vsw-1", instance, $"eni-{instance}", PrimaryInterface: true);
            leases.Add(first with
            {
                Attributes = first.Attributes with { BackendData = data.ToJson() },
                Identity = new TestLeaseIdentity(revision, revision),
                Version = revision,
            });
        }

        NotifyWatchers();
    }

    /// <summary>As in Kubernetes, where a Node can have an IPv6 podCIDR that its flannel does not use.</summary>
    public void RemoveIpv6Address(string subnet)
    {
        lock (gate)
        {
            revision++;
            var index = leases.FindIndex(lease => lease.Subnet == Ipv4Network.Parse(subnet));
            leases[index] = leases[index] with { Attributes = leases[index].Attributes with { PublicIpv6 = null }, Version = revision };
        }

        NotifyWatchers();
    }

    private Lease AddLease(string subnet, string? ipv6, string backend, string? data)
    {
        Lease lease;
        lock (gate)
        {
            revision++;
            lease = new Lease(
                new SubnetKey(Ipv4Network.Parse(subnet), ipv6 is null ? null : Ipv6Network.Parse(ipv6)),
                new LeaseAttributes(default, ipv6 is null ? null : "2001:db8::1", backend, data, null),
                new TestLeaseIdentity(revision, revision), revision);
            leases.RemoveAll(old => old.Key == lease.Key);
            leases.Add(lease);
        }

        NotifyWatchers();
        return lease;
    }

    public void Remove(string subnet)
    {
        lock (gate)
        {
            revision++;
            Assert.Equal(1, leases.RemoveAll(lease => lease.Subnet.ToString() == subnet));
        }

        NotifyWatchers();
    }

    /// <summary>Removes a lease if it exists: etcd may have been replaced.</summary>
    public void RemoveIfExists(string subnet)
    {
        if (Snapshot.Leases.Any(lease => lease.Subnet.ToString() == subnet)) Remove(subnet);
    }

    /// <summary>The watch broke, and the leases were listed again: as after a restore, a replacement or any other break.</summary>
    /// <param name="lost">Leases that the new listing lacks.</param>
    public void ListAgain(params string[] lost)
    {
        lock (gate)
        {
            revision++;
            Listing++;
            leases.RemoveAll(lease => lost.Contains(lease.Subnet.ToString()));
        }

        NotifyWatchers();
    }

    /// <summary>Everything that etcd holds, as a backup has it.</summary>
    public ClusterContent Backup()
    {
        lock (gate) return new ClusterContent(Config, [.. leases], Cluster, AbsentLeases, Holder);
    }

    /// <summary>Another etcd, or the same one from a backup: the watch breaks, and everything is listed again.</summary>
    public void Restore(ClusterContent content)
    {
        lock (gate)
        {
            revision++;
            Listing++;
            leases.Clear();
            leases.AddRange(content.Leases);
            (Config, Cluster, AbsentLeases, Holder) = (content.Config, content.Cluster, content.AbsentLeases, content.Holder);
        }

        NotifyWatchers();
    }

    /// <summary>An operator deletes every key below the prefix; watchers are notified.</summary>
    public void DeleteAll()
    {
        lock (gate)
        {
            revision++;
            leases.Clear();
            (Config, Cluster, AbsentLeases, Holder) = (null, null, null, null);
        }

        NotifyWatchers();
    }

    /// <summary>An operator changes the configuration.</summary>
    /// <param name="config">Null for an invalid one.</param>
    public void SetConfig(NetworkConfig? config)
    {
        Config = config;
        Touch();
    }

    public void SetComplete(bool isComplete)
    {
        IsComplete = isComplete;
        Touch();
    }

    /// <summary>Notifies the watchers of a change other than of a lease, such as of the configuration.</summary>
    public void Touch()
    {
        lock (gate) revision++;
        NotifyWatchers();
    }

    /// <summary>Nothing to do: every change is visible at once.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.Delay(Timeout.Infinite, cancellation);

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

    private void NotifyWatchers()
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
