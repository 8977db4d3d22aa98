using System.Text.Json;

namespace Flannel.Core.Leases;

/// <summary>The cloud instance that wrote a lease, from the <c>BackendData</c> of backend ali-vpc.</summary>
/// <param name="Id"><c>i-…</c></param>
/// <param name="VpcId"><c>vpc-…</c>, within which a private address is unique; empty if it is not given.</param>
public sealed record LeaseInstance(string Id, string VpcId)
{
    /// <summary>Null for a lease without an instance: of upstream flannel, of another backend, or a reservation.</summary>
    public static LeaseInstance? Read(LeaseAttributes attributes) => Parse(
        attributes,
        data => Text(data, "InstanceId") is { Length: > 0 } id ? new LeaseInstance(id, Text(data, "VpcId") ?? "") : null);

    /// <summary>Whether other nodes can reach the instance through the VXLAN tunnel too: ali-vpc with <c>Fallback</c>.</summary>
    public static bool HasTunnel(LeaseAttributes attributes) => Parse(attributes, data => Text(data, "VtepMAC")) is { Length: > 0 };

    private static T? Parse<T>(LeaseAttributes attributes, Func<JsonElement, T?> read)
        where T : class
    {
        if (attributes.BackendType != FlannelContract.AliVpcBackend || attributes.BackendData is not { } data) return null;
        try
        {
            using var document = JsonDocument.Parse(data);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half of a surrogate pair, which JSON's grammar allows.
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
