using System.Globalization;
using Flannel.Kubernetes.Client.Objects;

namespace Flannel.Kubernetes.Registry;

/// <summary>Creates Events about Nodes.</summary>
internal static class NodeEvent
{
    // Events about objects without a namespace must be in this one (kubernetes pkg/apis/core/validation/events.go).
    private const string Namespace = "default";

    public const int MaxMessageBytes = 1024;

    // Leaves room for the suffix in the 253 characters of a name.
    private const int MaxNodeNameInName = 220;

    /// <param name="reason">One word.</param>
    /// <param name="message">Shortened if it is too long.</param>
    public static KubeEvent Create(KubeNode node, string reason, string message, DateTimeOffset now, Random random)
    {
        var prefix = node.Name.Length > MaxNodeNameInName ? node.Name[..MaxNodeNameInName].TrimEnd('.', '-') : node.Name;
        var suffix = random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);
        return new KubeEvent(new ObjectName(Namespace, $"{prefix}.{suffix}"))
        {
            NodeName = node.Name,
            NodeUid = node.Uid,
            Reason = reason,
            Message = ShortText.Of(message, MaxMessageBytes),
            FirstTime = now,
            LastTime = now,
        };
    }
}
