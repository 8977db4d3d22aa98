using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Controller;

/// <summary>The objects of the route controller, in the namespace of the daemon, and their annotations.</summary>
public static class ControllerObjects
{
    /// <summary>The Lease of the election.</summary>
    public const string ElectionName = "flanneld-ali-vpc";

    /// <summary>The Lease with the cluster's id. It is another one than that of the election, so that the id stays when an operator deletes
    /// that one.</summary>
    public const string ClusterName = "flanneld-ali-vpc-cluster";

    /// <summary>Not the prefix of <c>--kube-annotation-prefix</c>: all nodes of a cluster must find the same objects.</summary>
    private const string Prefix = "flannel.alpha.coreos.com/ali-vpc-";

    internal const string ControllerAnnotation = Prefix + "controller";
    internal const string StandbyAnnotation = Prefix + "standby";
    internal const string CandidatesAnnotation = Prefix + "candidates";
    internal const string NodesVersionAnnotation = Prefix + "nodes-version";
    internal const string ClusterAnnotation = Prefix + "cluster";
    internal const string AbsentLeasesAnnotation = Prefix + "absent-leases";

    // The Lease has a holder; only its name is unknown.
    private static readonly ControllerHolder Unknown = new("?", "?");

    public static ObjectName Election(string @namespace) => new(@namespace, ElectionName);

    public static ObjectName Cluster(string @namespace) => new(@namespace, ClusterName);

    /// <summary>The node that holds the election's Lease, also if its time is over; null if none does.</summary>
    /// <param name="election">Null if it does not exist.</param>
    public static ControllerHolder? HolderOf(KubeLease? election)
    {
        if (election is null or { HolderIdentity: "" }) return null;
        var holder = Read(election, ControllerAnnotation, ControllerJson.Default.ControllerHolder);
        return holder is { InstanceId: not null, PublicIp: not null } ? holder : Unknown;
    }

    internal static string ToJson(ControllerHolder holder) => JsonSerializer.Serialize(holder, ControllerJson.Default.ControllerHolder);

    /// <summary>Null if the annotation is missing or was not written by this program.</summary>
    internal static T? Read<T>(KubeLease lease, string annotation, JsonTypeInfo<T> type)
        where T : class
    {
        if (!lease.Annotations.TryGetValue(annotation, out var text)) return null;
        try
        {
            return JsonSerializer.Deserialize(text, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <param name="value">Null to remove the annotation.</param>
    internal static KubeLease With(this KubeLease lease, string annotation, string? value)
    {
        var annotations = lease.Annotations.ToDictionary(StringComparer.Ordinal);
        if (value is null) annotations.Remove(annotation);
        else annotations[annotation] = value;
        return lease with { Annotations = annotations };
    }
}

/// <summary>The standby, in an annotation of the election's Lease.</summary>
/// <param name="Run">Distinguishes two runs of the daemon on one node.</param>
/// <param name="Renewals">Counts the renewals of the annotation: a standby whose count does not change any more is replaced.</param>
internal sealed record StandbyEntry(string InstanceId, string PublicIp, string Run, long Renewals);

[JsonSerializable(typeof(ControllerHolder))]
[JsonSerializable(typeof(StandbyEntry))]
[JsonSerializable(typeof(NonCandidate[]))]
internal sealed partial class ControllerJson : JsonSerializerContext;
