using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Routes;

namespace Flanneld.Commands.Output;

/// <summary>The nodes that are not candidates for route controller, as commands print them. Pure.</summary>
internal static class NonCandidateText
{
    /// <summary>How many of them a command reads.</summary>
    public const int Limit = 100;

    /// <summary>One line for each node, and one for those that were not read.</summary>
    public static IReadOnlyList<string> Lines(NonCandidateList list)
    {
        List<string> lines = [.. list.Nodes.Select(node => $"{node}, since {UtcText.Of(node.Since)}")];
        if (list.Count > list.Nodes.Count) lines.Add($"and {list.Count - list.Nodes.Count} more");
        return lines;
    }

    /// <summary>The field <c>candidates</c>: empty while a route controller is elected.</summary>
    public static void WriteTo(Utf8JsonWriter json, NonCandidateList list)
    {
        json.WriteStartArray("candidates");
        foreach (var node in list.Nodes)
        {
            json.WriteStartObject();
            json.WriteString("instanceId", node.InstanceId);
            json.WriteString("publicIP", node.PublicIp);
            json.WriteString("reason", node.Reason);
            json.WriteString("requestId", node.RequestId);
            json.WriteString("since", UtcText.Of(node.Since));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
