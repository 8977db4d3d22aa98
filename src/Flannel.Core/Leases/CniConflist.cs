using System.Text.Json;

namespace Flannel.Core.Leases;

/// <summary>The CNI configuration list (https://www.cni.dev/docs/spec/) that a container runtime reads for the pods of this node.</summary>
public static class CniConflist
{
    /// <summary>The name in upstream's <c>kube-flannel.yml</c>: each replaces the other's file.</summary>
    public const string FileName = "10-flannel.conflist";

    // Of the conflist in upstream's kube-flannel.yml. The plugin host-local keeps its addresses below the name of the network, and the
    // plugin bridge calls its bridge cni0: pods that were created with upstream's conflist keep their addresses, and are deleted with this
    // one.
    private const string NetworkName = "cbr0";
    private const string CniVersion = "0.3.1";

    /// <summary>The configuration that the flannel plugin composes from <c>subnet.env</c> for the plugin bridge
    /// (https://github.com/flannel-io/cni-plugin, <c>flannel.go</c> and <c>flannel_linux.go</c>), so that nodes need no flannel plugin.
    /// Nothing masquerades in it: pods see the addresses of pods, and <c>--ip-masq</c> is for everything else.</summary>
    /// <param name="subnetFile">The path of <c>subnet.env</c> on the host. The plugin host-local reads it as <c>resolvConf</c>, in which it
    /// finds no name server, and fails without it. So no pod is created while the subnet may not be used, also after a boot of the host,
    /// when the conflist exists and this program does not run yet.</param>
    public static byte[] Create(SubnetEnv subnetEnv, string subnetFile)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", CniVersion);
            json.WriteString("name", NetworkName);
            json.WriteStartArray("plugins");
            WriteBridge(json, subnetEnv, subnetFile);
            WritePortmap(json);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    /// <summary>Whether a runtime can read a conflist that an operator has written.</summary>
    /// <returns>The error is the rest of a line that begins with the name of the file.</returns>
    public static Result<Unit> Check(ReadOnlyMemory<byte> content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return IsConflist(document.RootElement)
                ? Unit.Instance
                : Result.Failure("is not a conflist of CNI: it needs a \"name\" and a list \"plugins\", each with a \"type\"");
        }
        catch (JsonException e)
        {
            return Result.Failure($"is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}");
        }
    }

    private static bool IsConflist(JsonElement root) =>
        IsObjectWithText(root, "name")
        && root.TryGetProperty("plugins", out var plugins) && plugins.ValueKind == JsonValueKind.Array && plugins.GetArrayLength() > 0
        && plugins.EnumerateArray().All(plugin => IsObjectWithText(plugin, "type"));

    private static bool IsObjectWithText(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 };

    private static void WriteBridge(Utf8JsonWriter json, SubnetEnv subnetEnv, string subnetFile)
    {
        json.WriteStartObject();
        json.WriteString("type", "bridge");
        json.WriteNumber("mtu", subnetEnv.Mtu);
        json.WriteBoolean("isGateway", true);
        json.WriteBoolean("isDefaultGateway", true);
        json.WriteBoolean("hairpinMode", true);
        json.WriteBoolean("ipMasq", false);
        json.WriteStartObject("ipam");
        json.WriteString("type", "host-local");
        json.WriteStartArray("ranges");
        WriteRange(json, subnetEnv.Subnet.ToString());
        if (subnetEnv.Ipv6 is { } range) WriteRange(json, range.Subnet.ToString());
        json.WriteEndArray();
        json.WriteStartArray("routes");
        WriteRoute(json, subnetEnv.Network.ToString());
        if (subnetEnv.Ipv6 is { } route) WriteRoute(json, route.Network.ToString());
        json.WriteEndArray();
        json.WriteString("resolvConf", subnetFile);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteRange(Utf8JsonWriter json, string subnet)
    {
        json.WriteStartArray();
        json.WriteStartObject();
        json.WriteString("subnet", subnet);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteRoute(Utf8JsonWriter json, string destination)
    {
        json.WriteStartObject();
        json.WriteString("dst", destination);
        json.WriteEndObject();
    }

    private static void WritePortmap(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "portmap");
        json.WriteStartObject("capabilities");
        json.WriteBoolean("portMappings", true);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
