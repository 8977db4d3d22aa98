using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Scale;

/// <summary>A term that is never lost, and whose store counts the available routes.</summary>
internal sealed class ScaleTerm : IElectedTerm, IRouteStatusSink
{
    private static readonly ClusterId Cluster =
        ClusterId.TryParse("0123456789abcdef", out var id) ? id : throw new InvalidOperationException();

    public static readonly OwnershipMark Mark = OwnershipMark.Of(Cluster);

    private readonly Dictionary<string, RouteStatus> statuses = [];

    public CancellationToken Lost => CancellationToken.None;

    public IRouteStatusSink Statuses => this;

    /// <summary>Leases whose route is reported as available.</summary>
    public int Available { get; private set; }

    public ValueTask<ClusterId> ReadClusterIdAsync(CancellationToken cancellation) => new(Cluster);

    public ValueTask<TermProof> ProveAsync(
        IReadOnlyCollection<IpNetwork> absent, IReadOnlyCollection<Lease> unchanged, CancellationToken cancellation) =>
        new(TermProof.Proven);

    public ValueTask<byte[]?> ReadAbsentLeasesAsync(CancellationToken cancellation) => new((byte[]?)null);

    public ValueTask<bool> WriteAbsentLeasesAsync(ReadOnlyMemory<byte> document, CancellationToken cancellation) => new(true);

    public ValueTask<IReadOnlyDictionary<string, RouteStatus>?> ReadStatusesAsync(CancellationToken cancellation) => new(statuses);

    public ValueTask<StatusPublishResult> PublishAsync(IReadOnlyList<RouteStatusUpdate> updates, CancellationToken cancellation)
    {
        foreach (var (lease, status) in updates)
        {
            var key = lease.Key.ToString();
            if (statuses.GetValueOrDefault(key) is { State: RouteState.Available }) Available--;
            if (status.State == RouteState.Available) Available++;
            statuses[key] = status;
        }

        return new(new StatusPublishResult(IsTermHeld: true, []));
    }

    public ValueTask<bool> DeleteAsync(IReadOnlyCollection<string> subnetKeys, CancellationToken cancellation)
    {
        foreach (var key in subnetKeys)
        {
            if (statuses.Remove(key, out var status) && status.State == RouteState.Available) Available--;
        }

        return new(true);
    }

    public ValueTask<bool> PublishVSwitchesAsync(string vpcId, IReadOnlyList<Ipv4Network> ranges, CancellationToken cancellation) =>
        new(true);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
