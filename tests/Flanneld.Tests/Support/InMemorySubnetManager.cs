using System.Runtime.CompilerServices;
using System.Text;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Core.Tests.Leases;

namespace Flanneld.Tests.Support;

/// <summary>A subnet manager that keeps the configuration, leases, route statuses and the route controller of one cluster in memory. It
/// proves that a node needs nothing of etcd. Thread-safe.</summary>
internal sealed class InMemorySubnetManager(TimeProvider time) : ISubnetManager
{
    // Leases also end by the passage of time, which sends no signal.
    internal static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly Random random = new(1);
    private readonly SortedDictionary<string, StoredLease> leases = new(StringComparer.Ordinal);
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConfigState config = new ConfigState.Missing();
    private ControllerHolder? controller;
    private SubnetManagerException? rejection;
    private AcquireResult.Unassigned? unassigned;
    private bool isAvailable = true;
    private long revision = 1;
    private long configRevision;
    private long deletionRevision;

    public TimeSpan LeaseTime { get; init; } = FlannelContract.LeaseTime;

    public string Name => InMemoryException.ManagerName;

    public string ConfigLocation => "memory:config";

    public string ConfigCommand => $"put config '{FlannelContract.ExampleConfig}'";

    /// <summary>False while no request is answered. Leases expire meanwhile.</summary>
    public bool IsAvailable
    {
        get
        {
            lock (gate) return isAvailable;
        }
        set => Change(() => isAvailable = value);
    }

    /// <summary>The nodes that are not candidates for route controller.</summary>
    public NonCandidateList NonCandidates { get; set; } = NonCandidateList.Empty;

    public int NonCandidateReads { get; private set; }

    /// <summary>How often a node has reported that it is ready, with failed attempts.</summary>
    public int ReadyReports { get; private set; }

    /// <summary>Why reports of readiness fail; null if they do not.</summary>
    public string? ReadyError { get; set; }

    /// <summary>The instances whose reasons were deleted.</summary>
    public List<string> DeletedNonCandidates { get; } = [];

    public IReadOnlyList<Lease> Leases
    {
        get
        {
            lock (gate) return [.. leases.Values.Select(stored => stored.Lease)];
        }
    }

    public string DeletionCommand(SubnetKey key) => $"delete {key}";

    /// <summary>Rejects every request from now on; a retry does not help.</summary>
    public void RejectRequests(string reason) => Change(() => rejection = new InMemoryException(reason));

    /// <summary>Why no node gets a subnet, as where the subnet manager assigns them; null if they do.</summary>
    public void SetUnassigned(AcquireResult.Unassigned? result) =>
        Change(() => unassigned = result is null ? null : result with { Version = $"{revision}" });

    /// <summary>Null deletes the configuration.</summary>
    public void WriteConfig(string? json) => Change(() =>
    {
        configRevision = revision;
        if (json is null)
        {
            config = new ConfigState.Missing();
            return;
        }

        var parsed = NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json));
        config = parsed.Ok ? new ConfigState.Present(parsed.Value, revision) : new ConfigState.Invalid(parsed.Error, revision);
    });

    /// <summary>Writes a lease as another node does, also over an existing one.</summary>
    public void WriteLease(string subnet, LeaseAttributes attributes) =>
        Change(() => Store(SubnetKey.TryParse(subnet, out var key) ? key : new SubnetKey(Ipv4Network.Parse(subnet)), attributes));

    public void DeleteLease(Ipv4Network subnet) => DeleteLease(new SubnetKey(subnet));

    public void DeleteLease(SubnetKey key) => Change(() => Remove(key));

    /// <summary>Publishes a route status as the route controller does. It is deleted with the lease.</summary>
    public void PublishRouteStatus(RouteStatus status) => Change(() =>
    {
        var key = leases.Single(each => each.Value.Lease.Subnet.ToString() == status.Subnet).Key;
        leases[key] = leases[key] with { Status = status, StatusRevision = revision };
    });

    public void SetController(ControllerHolder? holder) => Change(() => controller = holder);

    public Task<SubnetState> ReadAsync(CancellationToken cancellation)
    {
        lock (gate)
        {
            return isAvailable
                ? Task.FromResult(Read())
                : Task.FromException<SubnetState>(new InMemoryException("no answer"));
        }
    }

    public async Task<SubnetState> WaitForConfigAsync(ConfigRequest request, SubnetState? known, CancellationToken cancellation)
    {
        ConfigState? lastReported = null;
        for (var state = known; ; state = null)
        {
            state ??= await ReadWhenAvailableAsync(cancellation);
            var atMost = request.OnRead?.Invoke(state) ?? Timeout.InfiniteTimeSpan;
            if (state.Config is ConfigState.Present) return state;
            if (lastReported?.IsSameAs(state.Config) != true) request.OnUnusable(lastReported = state.Config);
            await WaitForConfigChangeAsync(state.Revision, atMost, cancellation);
        }
    }

    public Task WaitForConfigChangeAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(() => configRevision > revision, atMost, cancellation);

    public Task WaitForFreeSubnetAsync(long revision, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(() => Math.Max(configRevision, deletionRevision) > revision, atMost, cancellation);

    public Task WaitForAssignmentAsync(AcquireResult.Unassigned result, TimeSpan atMost, CancellationToken cancellation) =>
        WaitAsync(() => unassigned?.Version != result.Version, atMost, cancellation);

    public Task ReportReadyAsync(CancellationToken cancellation)
    {
        lock (gate)
        {
            ReadyReports++;
            return ReadyError is { } error ? Task.FromException(new InMemoryException(error)) : Task.CompletedTask;
        }
    }

    public async Task<AcquireResult> AcquireAsync(AcquireRequest request, SubnetState? known, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var state = await ReadWhenAvailableAsync(cancellation);
                request.OnRead?.Invoke(state);
                lock (gate)
                {
                    if (revision == state.Revision) return Acquire(request, state);
                }
            }
        }
        catch (SubnetManagerException e)
        {
            return new AcquireResult.Rejected(e);
        }
    }

    public IAsyncEnumerable<LeaseEvent> HoldAsync(HeldLease held, CancellationToken cancellation) =>
        new InMemoryLeaseKeeper(this, held, time).HoldAsync(cancellation);

    public async IAsyncEnumerable<LeaseSnapshot> WatchLeasesAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (SubnetState? last = null; ;)
        {
            Task signal;
            SubnetState state;
            lock (gate)
            {
                signal = changed.Task;
                state = Read();
            }

            if (state.Revision != last?.Revision) yield return state.ToSnapshot() with { Generation = state.Revision, Listing = 1 };
            last = state;
            await TaskWait.WaitAsync(signal, PollInterval, time, cancellation);
        }
    }

    public async IAsyncEnumerable<RouteStatusSnapshot> WatchRouteStatusesAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (long seen = 0; ;)
        {
            Task signal;
            RouteStatusSnapshot snapshot;
            lock (gate)
            {
                signal = changed.Task;
                var published = leases.Where(each => each.Value.Status is not null).ToDictionary(
                    each => each.Key,
                    each => (PublishedRouteStatus)new TestRouteStatus(
                        each.Value.Status!, ((TestLeaseIdentity)each.Value.Lease.Identity).Holding, each.Value.StatusRevision));
                snapshot = new RouteStatusSnapshot(published, revision);
            }

            if (snapshot.Generation != seen) yield return snapshot;
            seen = snapshot.Generation;
            await TaskWait.WaitAsync(signal, PollInterval, time, cancellation);
        }
    }

    public Task<Lease?> UpdateAsync(Lease lease, LeaseAttributes attributes, CancellationToken cancellation)
    {
        Lease? updated = null;
        Change(() =>
        {
            if (Find(lease.Key)?.Lease == lease) updated = Store(lease.Key, attributes).Lease;
        });
        return Task.FromResult(updated);
    }

    public Task<bool> ReleaseAsync(Lease lease, CancellationToken cancellation)
    {
        var isReleased = false;
        Change(() => isReleased = Find(lease.Key)?.Lease == lease && Remove(lease.Key));
        return Task.FromResult(isReleased);
    }

    public Task<RouteStatus?> ReadRouteStatusAsync(SubnetKey key, CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult(Find(key)?.Status);
    }

    public Task<ControllerHolder?> ReadControllerAsync(CancellationToken cancellation)
    {
        lock (gate) return Task.FromResult(controller);
    }

    public Task<NonCandidateList> ReadNonCandidatesAsync(int limit, CancellationToken cancellation)
    {
        lock (gate)
        {
            NonCandidateReads++;
            return Task.FromResult(NonCandidates with { Nodes = [.. NonCandidates.Nodes.Take(limit)] });
        }
    }

    public Task DeleteNonCandidateAsync(string instanceId, CancellationToken cancellation)
    {
        lock (gate) DeletedNonCandidates.Add(instanceId);
        return Task.CompletedTask;
    }

    /// <summary>What concerns the holder of one lease; null while no request is answered.</summary>
    internal NodeSnapshot? ReadNode(SubnetKey key)
    {
        lock (gate)
        {
            RemoveExpired();
            return isAvailable ? new NodeSnapshot(Find(key), config, controller) : null;
        }
    }

    /// <summary>Completes with the next change.</summary>
    internal Task NextChange
    {
        get
        {
            lock (gate) return changed.Task;
        }
    }

    /// <summary>Renews a lease, or creates it again after its expiry.</summary>
    /// <returns>Null if another lease overlaps it.</returns>
    internal StoredLease? Renew(Lease lease)
    {
        StoredLease? renewed = null;
        Change(() =>
        {
            if (Find(lease.Key) is { } stored)
                renewed = leases[lease.Key.ToString()] = stored with { Expiry = NewExpiry() };
            else if (!leases.Values.Any(other => other.Lease.Subnet.Overlaps(lease.Subnet)))
                renewed = Store(lease.Key, lease.Attributes);
        });
        return renewed;
    }

    private AcquireResult Acquire(AcquireRequest request, SubnetState state)
    {
        if (state.Config is not ConfigState.Present { Config: var current }) return new AcquireResult.NoConfig(state.Config);
        if (unassigned is not null) return unassigned;
        if (request.AttributesFor(current) is not { } attributes) return new AcquireResult.UnsupportedConfig(current);
        var owner = request.Owner.Instance is null ? request.Owner with { Instance = LeaseInstance.Read(attributes) } : request.Owner;
        var own = state.Leases.Where(lease => owner.Classify(lease) is LeaseOwnerKind.Own or LeaseOwnerKind.OfFormerInstance).ToList();
        if (own.Find(lease => SubnetAllocator.Fits(current, lease.Subnet)) is { } found)
        {
            if (current.Ipv6 is null == found.Key.Ipv6Subnet is null) return Hold(found.Key, wasFound: true);
            Change(() => Remove(found.Key));
            var replaced = Hold(new SubnetKey(found.Subnet, ChooseIpv6(request, current)), wasFound: true);
            return replaced with { Lease = replaced.Lease with { IsKeyReplaced = true } };
        }

        if (state.Leases.FirstOrDefault(lease => owner.Classify(lease) == LeaseOwnerKind.AddressInUse) is { } other)
            return new AcquireResult.AddressInUse(other);
        foreach (var unfit in own)
        {
            request.OnDeleting?.Invoke(unfit);
            Change(() => Remove(unfit.Key));
        }

        return Choose(request, current) is { } subnet
            ? Hold(new SubnetKey(subnet, ChooseIpv6(request, current)), wasFound: false)
            : new AcquireResult.OutOfSubnets(current, revision);

        AcquireResult.Held Hold(SubnetKey key, bool wasFound)
        {
            StoredLease? stored = null;
            Change(() => stored = Store(key, attributes));
            return new AcquireResult.Held(new HeldLease(stored!.Lease, current, config.ModRevision, wasFound, stored.Expiry));
        }
    }

    private Ipv6Network? ChooseIpv6(AcquireRequest request, NetworkConfig current) => current.Ipv6 is { } ipv6
        ? request.Owner.PreviousIpv6Subnet
            ?? Ipv6SubnetAllocator.Pick(ipv6, leases.Values.Select(stored => stored.Lease.Key.Ipv6Subnet).OfType<Ipv6Network>(), random)
        : null;

    private Ipv4Network? Choose(AcquireRequest request, NetworkConfig current)
    {
        List<Ipv4Network> taken = [.. leases.Values.Select(stored => stored.Lease.Subnet), .. request.Excluded];
        return request.Owner.PreviousSubnet is { } previous && SubnetAllocator.Fits(current, previous)
            && !taken.Exists(range => range.Overlaps(previous))
                ? previous
                : SubnetAllocator.Pick(current, taken, random);
    }

    private async Task<SubnetState> ReadWhenAvailableAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await WaitAsync(() => true, Timeout.InfiniteTimeSpan, cancellation);
            lock (gate)
            {
                if (isAvailable) return Read();
            }
        }
    }

    /// <summary>Returns when requests are answered and the condition is true, or after the time.</summary>
    private async Task WaitAsync(Func<bool> condition, TimeSpan atMost, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            Task signal;
            lock (gate)
            {
                RemoveExpired();
                if (isAvailable && condition()) return;
                signal = changed.Task;
            }

            var left = atMost == Timeout.InfiniteTimeSpan ? PollInterval : atMost - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero) return;
            await TaskWait.WaitAsync(signal, left < PollInterval ? left : PollInterval, time, cancellation);
        }
    }

    private SubnetState Read()
    {
        if (rejection is { } e) throw e;
        RemoveExpired();
        return new SubnetState(config, Leases, [.. Leases.Select(lease => lease.Subnet)], revision, IsComplete: true);
    }

    private void Change(Action change)
    {
        lock (gate)
        {
            RemoveExpired();
            revision++;
            change();
            var completed = changed;
            changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            completed.SetResult();
        }
    }

    private void RemoveExpired()
    {
        var expired = leases.Values.Where(stored => stored.Expiry is { } expiry && expiry.Remaining(time) <= TimeSpan.Zero).ToList();
        if (expired.Count == 0) return;
        revision++;
        foreach (var stored in expired) Remove(stored.Lease.Key);
    }

    private StoredLease? Find(SubnetKey key) => leases.GetValueOrDefault(key.ToString());

    private StoredLease Store(SubnetKey key, LeaseAttributes attributes)
    {
        var before = Find(key);
        var lease = before is null
            ? new Lease(key, attributes, new TestLeaseIdentity(revision, revision), revision)
            : before.Lease with { Attributes = attributes, Version = revision };
        return leases[key.ToString()] = new StoredLease(lease, NewExpiry(), before?.Status)
        {
            StatusRevision = before?.StatusRevision ?? 0,
        };
    }

    private bool Remove(SubnetKey key)
    {
        deletionRevision = revision;
        return leases.Remove(key.ToString());
    }

    private LeaseExpiry NewExpiry() => new(time.GetTimestamp(), LeaseTime);
}

/// <param name="Status">Null while the route controller has published none.</param>
internal sealed record StoredLease(Lease Lease, LeaseExpiry? Expiry, RouteStatus? Status)
{
    /// <summary>When the status was published.</summary>
    public long StatusRevision { get; init; }
}

/// <summary>What concerns the holder of one lease.</summary>
/// <param name="Own">Null if the lease does not exist.</param>
internal sealed record NodeSnapshot(StoredLease? Own, ConfigState Config, ControllerHolder? Controller);

/// <summary>A failed request to <see cref="InMemorySubnetManager"/>.</summary>
internal sealed class InMemoryException(string message) : SubnetManagerException(message, null)
{
    public const string ManagerName = "memory";

    public override string Manager => ManagerName;

    public override bool CanRecover => true;
}
