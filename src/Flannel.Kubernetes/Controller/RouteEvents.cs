using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Registry;

namespace Flannel.Kubernetes.Controller;

/// <summary>A status that was written.</summary>
/// <param name="Before">Null if there was none.</param>
internal sealed record StatusChange(KubeNode Node, RouteStatus? Before, RouteStatus After);

/// <summary>Events about Nodes whose route was created or cannot be created, with the reasons of Alibaba Cloud's controller manager. An
/// event that repeats counts up. Best effort: without them only an explanation is missing. Called by one task at a time.</summary>
internal sealed class RouteEvents(ControllerApi api, TermFence fence, TimeProvider time, Random random)
{
    public const string RouteCreated = "CreatedRoute";
    public const string RouteNotCreated = "CreateRouteFailed";

    // Events of all nodes together: more of them would repeat one cause for many nodes.
    private const int Burst = 50;
    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(1);

    /// <summary>Of one node and reason.</summary>
    private static readonly TimeSpan RepeatInterval = TimeSpan.FromMinutes(1);

    // The API server deletes an event an hour after its last change.
    private static readonly TimeSpan Retention = TimeSpan.FromHours(1);

    private static readonly TimeSpan PauseAfterRejection = TimeSpan.FromMinutes(10);

    // By the UID of the node and the reason.
    private readonly Dictionary<string, SentEvent> sent = new(StringComparer.Ordinal);
    private double tokens = Burst;
    private long refilledAt = time.GetTimestamp();
    private long? pausedUntil;

    private sealed record SentEvent(KubeEvent Recorded, long At);

    public async Task SendAsync(IReadOnlyList<StatusChange> changes, CancellationToken cancellation)
    {
        if (pausedUntil is { } end && !time.IsPast(end)) return;
        pausedUntil = null;
        Forget();
        try
        {
            foreach (var change in changes)
            {
                if (ReasonOf(change) is { } reason && !await SendAsync(change, reason, cancellation)) return;
            }
        }
        catch (KubeException e)
        {
            // A missing permission is logged where the request is sent.
            if (!e.CanRecover) pausedUntil = time.TimestampAfter(PauseAfterRejection);
        }
    }

    /// <summary>Null for a change that is no event: it is still pending, or the route may exist.</summary>
    private static string? ReasonOf(StatusChange change) => change.After.State switch
    {
        RouteState.Available => change.Before?.State == RouteState.Available ? null : RouteCreated,
        RouteState.Conflict or RouteState.QuotaExceeded or RouteState.Denied or RouteState.Rejected => RouteNotCreated,
        _ => null,
    };

    /// <returns>False if the term is over.</returns>
    private async Task<bool> SendAsync(StatusChange change, string reason, CancellationToken cancellation)
    {
        var key = $"{change.Node.Uid} {reason}";
        var before = sent.GetValueOrDefault(key);
        var message = MessageOf(change.After);
        var isRepeated = before is not null && time.GetElapsedTime(before.At) < RepeatInterval && before.Recorded.Message == message;
        if (isRepeated || !TakeToken()) return true;
        var recorded = before is null
            ? NewEvent(change.Node, reason, message)
            : before.Recorded with { Count = before.Recorded.Count + 1, LastTime = time.GetUtcNow(), Message = message };
        try
        {
            if (!await fence.TryWriteAsync(limited => WriteAsync(recorded, limited), cancellation)) return false;
        }
        catch (KubeException e) when (e.Kind == KubeErrorKind.NotFound)
        {
            // Deleted by the API server.
            recorded = NewEvent(change.Node, reason, message);
            if (!await fence.TryWriteAsync(limited => WriteAsync(recorded, limited), cancellation)) return false;
        }

        sent[key] = new SentEvent(recorded, time.GetTimestamp());
        return true;
    }

    private Task<KubeEvent> WriteAsync(KubeEvent recorded, CancellationToken cancellation) => recorded.Count == 1
        ? api.CreateEventAsync(recorded, cancellation)
        : api.PatchEventAsync(recorded, cancellation);

    private KubeEvent NewEvent(KubeNode node, string reason, string message) =>
        NodeEvent.Create(node, reason, message, time.GetUtcNow(), random) with { IsWarning = reason == RouteNotCreated };

    private static string MessageOf(RouteStatus status)
    {
        if (status.State == RouteState.Available) return $"Created route to {status.Subnet} in {string.Join(", ", status.RouteTableIds)}";
        var request = status.RequestId.Length > 0 ? $" (request {status.RequestId})" : "";
        return ShortText.Of(
            $"Route to {status.Subnet} not created: {status.StateAndTables()}: {status.Message}{request}", NodeEvent.MaxMessageBytes);
    }

    private bool TakeToken()
    {
        var now = time.GetTimestamp();
        tokens = Math.Min(Burst, tokens + time.GetElapsedTime(refilledAt, now) / Refill);
        refilledAt = now;
        if (tokens < 1) return false;
        tokens--;
        return true;
    }

    private void Forget()
    {
        foreach (var old in sent.Where(pair => time.GetElapsedTime(pair.Value.At) > Retention).ToList()) sent.Remove(old.Key);
    }
}
