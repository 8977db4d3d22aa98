using Flannel.Core;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Client.Wire;

/// <summary>An Event of the core group, as it is read and as it is written.</summary>
internal sealed class EventDocument
{
    private const string Warning = "Warning";
    private const string Normal = "Normal";
    private const string Component = "flanneld";

    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public ObjectMeta? Metadata { get; init; }

    public ObjectReference? InvolvedObject { get; init; }

    public string? Reason { get; init; }

    public string? Message { get; init; }

    public EventSource? Source { get; init; }

    public string? FirstTimestamp { get; init; }

    public string? LastTimestamp { get; init; }

    public int? Count { get; init; }

    public string? Type { get; init; }

    public string? ReportingComponent { get; init; }

    /// <returns>A failure for an object that is not an Event of an API server.</returns>
    public Result<KubeEvent> ToEvent()
    {
        if (Metadata is not { Name.Length: > 0, Namespace.Length: > 0 })
            return Result.Failure("an Event without metadata.name or metadata.namespace");
        return new KubeEvent(new ObjectName(Metadata.Namespace, Metadata.Name))
        {
            NodeName = InvolvedObject?.Name ?? "",
            NodeUid = InvolvedObject?.Uid ?? "",
            IsWarning = Type == Warning,
            Reason = Reason ?? "",
            Message = Message ?? "",
            Count = Count ?? 1,
            FirstTime = KubeTime.Parse(FirstTimestamp) ?? default,
            LastTime = KubeTime.Parse(LastTimestamp) ?? default,
        };
    }

    public static EventDocument Of(KubeEvent recorded) => new()
    {
        ApiVersion = "v1",
        Kind = "Event",
        Metadata = new ObjectMeta { Name = recorded.Name.Name, Namespace = recorded.Name.Namespace },
        InvolvedObject = new ObjectReference { ApiVersion = "v1", Kind = "Node", Name = recorded.NodeName, Uid = recorded.NodeUid },
        Reason = recorded.Reason,
        Message = recorded.Message,
        Source = new EventSource { Component = Component },
        FirstTimestamp = KubeTime.Format(recorded.FirstTime),
        LastTimestamp = KubeTime.Format(recorded.LastTime),
        Count = recorded.Count,
        Type = recorded.IsWarning ? Warning : Normal,
        ReportingComponent = Component,
    };

    /// <summary>The patch for an event that happened again.</summary>
    public static EventDocument PatchOf(KubeEvent recorded) => new()
    {
        Message = recorded.Message,
        LastTimestamp = KubeTime.Format(recorded.LastTime),
        Count = recorded.Count,
    };
}

internal sealed class ObjectReference
{
    public string? ApiVersion { get; init; }

    public string? Kind { get; init; }

    public string? Name { get; init; }

    public string? Uid { get; init; }
}

internal sealed class EventSource
{
    public string? Component { get; init; }
}
