using System.Text.Json.Nodes;

namespace Flannel.Testbed.Kubernetes;

/// <summary>A node that a test creates in place of a kubelet and the controller manager.</summary>
/// <param name="PodCidrs">At most one of each address family; none for a node without podCIDR.</param>
public sealed record KubeNode(string Name, params string[] PodCidrs)
{
    /// <summary><c>alicloud://REGION.INSTANCE</c> or <c>REGION.INSTANCE</c>.</summary>
    public string? ProviderId { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    internal JsonObject ToJson()
    {
        var spec = new JsonObject();
        if (ProviderId is not null) spec["providerID"] = ProviderId;
        if (PodCidrs.Length > 0)
        {
            spec["podCIDR"] = PodCidrs[0];
            spec["podCIDRs"] = new JsonArray([.. PodCidrs.Select(cidr => JsonValue.Create(cidr))]);
        }
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = Name, ["labels"] = Texts(Labels), ["annotations"] = Texts(Annotations) },
            ["spec"] = spec,
        };
    }

    private static JsonObject Texts(IReadOnlyDictionary<string, string> texts) =>
        new(texts.Select(text => KeyValuePair.Create<string, JsonNode?>(text.Key, text.Value)));
}
