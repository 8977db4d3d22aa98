using System.Text.Json.Nodes;

namespace Flannel.Testbed.Kubernetes;

/// <summary>What a role permits.</summary>
/// <param name="Group">The API group; empty for that of nodes and pods.</param>
/// <param name="Resources">Separated by commas: <c>nodes,nodes/status</c>.</param>
public sealed record KubeRule(string Group, string Resources, params string[] Verbs)
{
    internal JsonObject ToJson() => new()
    {
        ["apiGroups"] = new JsonArray(Group),
        ["resources"] = new JsonArray([.. Resources.Split(',').Select(resource => JsonValue.Create(resource))]),
        ["verbs"] = new JsonArray([.. Verbs.Select(verb => JsonValue.Create(verb))]),
    };
}
