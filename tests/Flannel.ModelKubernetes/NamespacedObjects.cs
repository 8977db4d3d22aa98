using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Model;

/// <summary>The Leases and the Events, by their names.</summary>
internal sealed class NamespacedObjects
{
    public Dictionary<ObjectName, KubeLease> Leases { get; private init; } = [];

    public Dictionary<ObjectName, KubeEvent> Events { get; private init; } = [];

    /// <summary>The API server stores the times of a Lease in microseconds, and its duration in seconds.</summary>
    public static KubeLease Stored(KubeLease lease) => lease with
    {
        Duration = TimeSpan.FromSeconds(Math.Floor(lease.Duration.TotalSeconds)),
        AcquireTime = Microseconds(lease.AcquireTime),
        RenewTime = Microseconds(lease.RenewTime),
    };

    /// <summary>The API server stores the times of an Event in seconds.</summary>
    public static KubeEvent Stored(KubeEvent recorded) => recorded with
    {
        FirstTime = NodeStatusMerge.WholeSeconds(recorded.FirstTime),
        LastTime = NodeStatusMerge.WholeSeconds(recorded.LastTime),
    };

    public static bool IsSame(KubeLease one, KubeLease other) =>
        one with { Labels = other.Labels, Annotations = other.Annotations } == other
        && IsSame(one.Labels, other.Labels) && IsSame(one.Annotations, other.Annotations);

    public static bool IsSame(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Count == other.Count && one.All(pair => other.TryGetValue(pair.Key, out var value) && value == pair.Value);

    public NamespacedObjects Copy() => new() { Leases = new(Leases), Events = new(Events) };

    private static DateTimeOffset? Microseconds(DateTimeOffset? time) =>
        time is { } at ? new DateTimeOffset(at.UtcTicks - at.UtcTicks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero) : null;
}
