using System.Collections.Concurrent;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;

namespace Flannel.RouteController.Tests.Support;

/// <summary>An elected term over <see cref="InMemoryLeases"/>. The newest term holds the election until its key is lost with the
/// store.</summary>
internal sealed class InMemoryTerm : IElectedTerm, IDisposable
{
    private readonly TimeProvider time;
    private readonly InMemoryLeases leases;
    private readonly CancellationTokenSource lost = new();

    /// <param name="statuses">What an earlier term published; null for nothing.</param>
    public InMemoryTerm(TimeProvider time, InMemoryLeases leases, ConcurrentDictionary<string, RouteStatus>? statuses = null)
    {
        (this.time, this.leases) = (time, leases);
        Statuses = new InMemoryStatuses(this, time, leases) { ByKey = statuses ?? [] };
        leases.Holder = this;
    }

    public static readonly ClusterId OurCluster = Id("0123456789abcdef");
    public static readonly ClusterId OtherCluster = Id("fedcba9876543210");

    public CancellationToken Lost => lost.Token;

    public InMemoryStatuses Statuses { get; }

    IRouteStatusSink IElectedTerm.Statuses => Statuses;

    /// <summary>Whether the store confirms that this term is elected.</summary>
    public bool IsHeld { get; set; } = true;

    /// <summary>Proofs before deletions.</summary>
    public int Proofs { get; private set; }

    /// <summary>Called during a proof before a deletion.</summary>
    public Action OnProof { get; set; } = () => { };

    /// <summary>Called before and after each request of the term to the store.</summary>
    public Action OnStep { get; set; } = () => { };

    /// <summary>As this term read it.</summary>
    public ClusterId? Cluster { get; private set; }

    internal bool IsOwn => IsHeld && !lost.IsCancellationRequested && ReferenceEquals(leases.Holder, this);

    public void Lose() => lost.Cancel();

    public void Dispose() => lost.Dispose();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public async ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation)
    {
        // A store that was replaced does not have this term's key.
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
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation)
    {
        var isOfDeletion = absent.Count + unchanged.Count > 0;
        if (isOfDeletion) Proofs++;
        await Task.Delay(TimeSpan.FromMilliseconds(1), time, cancellation);
        if (isOfDeletion) OnProof();
        OnStep();
        if (!IsOwn || leases.Cluster != Cluster) return TermProof.Unproven;
        var stored = leases.InEtcd ?? leases.Snapshot.Leases;
        var isAbsent = absent.All(subnet => stored.All(lease => !lease.Destinations.Contains(subnet)));
        var isUnchanged = unchanged.All(lease => stored.Any(other => other.Key == lease.Key && other.Version == lease.Version));
        return isAbsent && isUnchanged ? TermProof.Proven : TermProof.LeasesDiffer;
    }

    private static ClusterId Id(string text) => ClusterId.TryParse(text, out var id) ? id : throw new ArgumentException(text, nameof(text));
}
