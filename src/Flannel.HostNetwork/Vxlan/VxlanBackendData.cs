using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>The <c>BackendData</c> or <c>BackendV6Data</c> of a lease of backend vxlan, in upstream's form (<c>vxlanLeaseAttrs</c>):
/// <c>{"VNI":1,"VtepMAC":"0e:aa:bb:cc:dd:02"}</c>.</summary>
/// <param name="Vni">0 if it is not given, as flannel before v0.10 wrote it.</param>
public sealed record VxlanBackendData(int Vni, MacAddress VtepMac)
{
    /// <summary>Parses what another program wrote: unknown properties are ignored, names match in any case.</summary>
    /// <param name="name">Of the property, for the error.</param>
    public static Result<VxlanBackendData> Parse(string? json, string name = "BackendData")
    {
        if (json is null) return Result.Failure($"{name} is missing");
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Result.Failure($"{name} is not an object");
            var (vni, mac) = (0, default(MacAddress));
            foreach (var property in document.RootElement.EnumerateObject())
            {
                var value = property.Value;
                if (property.Name.Equals("VNI", StringComparison.OrdinalIgnoreCase))
                {
                    if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out vni))
                        return Result.Failure("VNI is not a number");
                }
                else if (property.Name.Equals("VtepMAC", StringComparison.OrdinalIgnoreCase)
                    && (value.ValueKind != JsonValueKind.String || !MacAddress.TryParse(value.GetString(), out mac) || !mac.IsUnicast))
                {
                    return Result.Failure("VtepMAC is not the address of an interface");
                }
            }

            return mac == default ? Result.Failure("VtepMAC is missing") : new VxlanBackendData(vni, mac);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: half of a surrogate pair, which JSON's grammar allows.
            return Result.Failure($"{name} is not valid JSON");
        }
    }

    /// <summary>The text that upstream writes, byte for byte: a lease of upstream is not written again for its form.</summary>
    public string ToJson() => $$"""{"VNI":{{Vni}},"VtepMAC":"{{VtepMac}}"}""";
}
