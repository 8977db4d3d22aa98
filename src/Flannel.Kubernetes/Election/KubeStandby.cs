using System.Security.Cryptography;
using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;

namespace Flannel.Kubernetes.Election;

/// <summary>Prepares one of the observers of an election to replace the route controller: its permissions are checked beforehand, and it
/// polls the Lease each second. An annotation of the Lease says which node it is, so that the others make no call to the cloud. The standby
/// renews the annotation, and another node replaces one that does not. Not thread-safe.</summary>
internal sealed class KubeStandby(KubeControllerContext context, ControllerHolder self)
{
    private const int MaxAttempts = 3;
    private const int RunHexDigits = 8;

    // Of nodes that start together, one is elected long before, and most of the others find another standby.
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(30);

    // A node that cannot become the standby calls the cloud again only after this.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private static readonly TimeSpan RenewInterval = TimeSpan.FromMinutes(1);

    // Observers read the annotation every 30 s.
    private static readonly TimeSpan Expiry = TimeSpan.FromMinutes(3);

    private readonly ControllerApi api = context.Api;
    private readonly Backoff backoff = new(FirstPause, LongestPause, context.Random);
    private readonly string run = RandomNumberGenerator.GetHexString(RunHexDigits, lowercase: true);
    private StandbyEntry? seen;
    private long seenSince;
    private long renewals;
    private long renewedAt;
    private long? attemptAt;

    /// <summary>Whether this node is the standby.</summary>
    public bool IsReady { get; private set; }

    /// <summary>The time until <see cref="ObserveAsync"/> has something to do; null if it only waits for changes.</summary>
    public TimeSpan? NextDue => !IsReady && attemptAt is { } at ? context.Time.TimeUntil(at) : null;

    /// <summary>The holder of the Lease is observed from now on.</summary>
    public void Begin()
    {
        IsReady = false;
        attemptAt = null;
        backoff.Reset();
    }

    /// <summary>Renews the annotation of this node if it is due, or becomes the standby if there is none.</summary>
    /// <param name="lease">As it was read just now; another node holds it.</param>
    public async Task ObserveAsync(KubeLease lease, Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        var entry = EntryOf(lease);
        if (IsReady && entry?.Run == run)
        {
            if (context.Time.GetElapsedTime(renewedAt) >= RenewInterval) await WriteAsync(lease, cancellation);
            return;
        }

        IsReady = false;
        if (IsOtherStandby(entry))
        {
            attemptAt = null;
            return;
        }

        attemptAt ??= context.Time.TimestampAfter(Delay * (1 + context.Random.NextDouble()));
        if (!context.Time.IsPast(attemptAt.Value)) return;
        attemptAt = null;
        if (await TryRegisterAsync(lease, mayControl, cancellation)) return;
        attemptAt = context.Time.TimestampAfter(backoff.Next());
    }

    /// <returns>False if the permissions or the API server do not allow it.</returns>
    private async Task<bool> TryRegisterAsync(
        KubeLease lease, Func<CancellationToken, Task<bool>> mayControl, CancellationToken cancellation)
    {
        if (!await mayControl(cancellation)) return false;
        try
        {
            for (var attempt = 0; attempt < MaxAttempts && !await WriteAsync(lease, cancellation); attempt++)
            {
                // Its holder renewed it, or another node became the standby.
                if (await api.GetLeaseAsync(ControllerObjects.ElectionName, cancellation) is not { HolderIdentity.Length: > 0 } current
                    || IsOtherStandby(EntryOf(current)))
                    return true;
                lease = current;
            }
        }
        catch (KubeException e) when (!e.CanRecover)
        {
            return false;
        }

        if (IsReady) KubeControllerLog.BecameStandby(context.Logger);
        return true;
    }

    /// <returns>False if the Lease has changed since it was read.</returns>
    private async Task<bool> WriteAsync(KubeLease lease, CancellationToken cancellation)
    {
        try
        {
            var entry = new StandbyEntry(self.InstanceId, self.PublicIp, run, ++renewals);
            var text = JsonSerializer.Serialize(entry, ControllerJson.Default.StandbyEntry);
            await LimitedRequest.RunAsync(
                limited => api.UpdateLeaseAsync(lease.With(ControllerObjects.StandbyAnnotation, text), limited),
                ElectionTimes.WriteLimit, context.Time, cancellation);
            (IsReady, renewedAt) = (true, context.Time.GetTimestamp());
            return true;
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.Conflict)
        {
            return false;
        }
    }

    /// <summary>Whether another node is the standby, and has renewed its annotation in time as far as is known.</summary>
    private bool IsOtherStandby(StandbyEntry? entry)
    {
        if (entry is null || entry.InstanceId == self.InstanceId) return false;
        if (entry != seen) (seen, seenSince) = (entry, context.Time.GetTimestamp());
        return context.Time.GetElapsedTime(seenSince) < Expiry;
    }

    private static StandbyEntry? EntryOf(KubeLease lease) =>
        ControllerObjects.Read(lease, ControllerObjects.StandbyAnnotation, ControllerJson.Default.StandbyEntry) is
        { InstanceId: not null, PublicIp: not null, Run: not null } entry
            ? entry
            : null;
}
