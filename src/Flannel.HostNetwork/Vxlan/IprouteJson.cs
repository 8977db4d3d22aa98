using System.Text.Json;
using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Parses what <c>ip -json</c> and <c>bridge -json</c> print (iproute2 4.16 and later). Pure. A value that is not needed is
/// ignored, and so is an element without a needed one: a route of another kind, an entry of another protocol.</summary>
internal static class IprouteJson
{
    /// <summary>Of an IPv6 route that was added without a metric (<c>IP6_RT_PRIO_USER</c> of the kernel's
    /// <c>ipv6_route.h</c>).</summary>
    private const int DefaultIpv6Metric = 1024;

    /// <summary><c>ip -json -details address show dev NAME</c>.</summary>
    public static Result<ObservedDevice> ParseDevice(string json) => Parse(json, elements =>
    {
        var link = elements.LastOrDefault(element => Text(element, "ifname").Length > 0);
        if (link.ValueKind == JsonValueKind.Undefined) throw new JsonException("no device");
        var info = Member(link, "linkinfo");
        var data = Member(info, "info_data");
        return new ObservedDevice(
            Text(info, "info_kind"), Number(data, "id"), Text(data, "link"),
            ReadLocal(data), Number(data, "port"), Number(link, "mtu"),
            MacAddress.TryParse(Text(link, "address"), out var mac) ? mac : default, ReadAddresses(link))
        {
            Gbp = IsTrue(data, "gbp"),
            Learning = IsTrue(data, "learning"),
            IsUp = Contains(link, "flags", "UP"),
        };
    });

    /// <summary><c>ip -json -4 neighbor show dev NAME</c>, or <c>-6</c>.</summary>
    public static Result<List<ObservedNeighbor>> ParseNeighbors(string json) => ParseAll(json, element =>
        IpAddress.TryParse(Text(element, "dst"), out var address) && MacAddress.TryParse(Text(element, "lladdr"), out var mac)
            ? new ObservedNeighbor(address, mac, Contains(element, "state", "PERMANENT"))
            : null);

    /// <summary><c>bridge -json fdb show dev NAME</c>. Entries without a destination belong to the bridge that the device may be a
    /// port of.</summary>
    public static Result<List<ObservedFdbEntry>> ParseFdb(string json) => ParseAll(json, element =>
        MacAddress.TryParse(Text(element, "mac"), out var mac) && mac.IsUnicast && Contains(element, "flags", "self")
            && IpAddress.TryParse(Text(element, "dst"), out var destination)
            ? new ObservedFdbEntry(mac, destination, Text(element, "state") == "permanent")
            : null);

    /// <summary><c>ip -json -4 route show table main root NETWORK</c>, or <c>-6</c>.</summary>
    public static Result<List<VxlanRoute>> ParseRoutes(string json) => ParseAll(json, element =>
    {
        if (!TryGetNetwork(Text(element, "dst"), out var destination)) return null;
        // Another metric makes another route beside ours.
        if (Number(element, "metric") != (destination.IsV6 ? DefaultIpv6Metric : 0)) return null;
        return IpAddress.TryParse(Text(element, "gateway"), out var gateway)
            ? new VxlanRoute(destination, gateway, Text(element, "dev"), Contains(element, "flags", "onlink"), Text(element, "protocol"))
            : null;
    });

    /// <summary><c>ip -json -details address show type vxlan</c>. Some versions print an empty object for a device that the filter leaves
    /// out.</summary>
    public static Result<List<ExistingDevice>> ParseVxlanDevices(string json) => ParseAll(json, element =>
        Text(element, "ifname") is { Length: > 0 } name
            ? new ExistingDevice(
                name, Number(Member(Member(element, "linkinfo"), "info_data"), "id"), [.. ReadTexts(Member(element, "addr_info"), "local")])
            : null);

    /// <summary><c>ip -json route show table main</c>. A route over several gateways is none of flanneld's.</summary>
    public static Result<List<ExistingRoute>> ParseExistingRoutes(string json) => ParseAll(json, element =>
        Text(element, "dst") is { Length: > 0 } destination
            ? new ExistingRoute(destination, Text(element, "gateway"), Text(element, "dev"), Text(element, "protocol"))
            : null);

    private static Result<List<T>> ParseAll<T>(string json, Func<JsonElement, T?> read) where T : class =>
        Parse<List<T>>(json, elements => [.. elements.Select(read).OfType<T>()]);

    private static Result<T> Parse<T>(string json, Func<IEnumerable<JsonElement>, T> read) where T : class
    {
        // Some versions print nothing for an empty list.
        if (string.IsNullOrWhiteSpace(json)) json = "[]";
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Array
                ? read(document.RootElement.EnumerateArray())
                : Result.Failure("it printed no JSON array");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Result.Failure("it printed no valid JSON (flanneld needs iproute2 4.16 or later)");
        }
    }

    private static List<ObservedAddress> ReadAddresses(JsonElement link)
    {
        var addresses = new List<ObservedAddress>();
        if (Member(link, "addr_info") is not { ValueKind: JsonValueKind.Array } list) return addresses;
        foreach (var element in list.EnumerateArray())
        {
            if (IpAddress.TryParse(Text(element, "local"), out var address))
                addresses.Add(new ObservedAddress(address, Number(element, "prefixlen")));
        }

        return addresses;
    }

    /// <summary>A member of each element of a list.</summary>
    private static IEnumerable<string> ReadTexts(JsonElement list, string name) =>
        list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().Select(element => Text(element, name)) : [];

    /// <summary>A host route is printed without its length.</summary>
    private static bool TryGetNetwork(string text, out IpNetwork network)
    {
        network = default;
        if (!IpAddress.TryParse(text, out var host)) return IpNetwork.TryParse(text, out network);
        network = new IpNetwork(host, host.Bits);
        return true;
    }

    /// <summary>Null without one.</summary>
    private static IpAddress? ReadLocal(JsonElement data)
    {
        if (IpAddress.TryParse(Text(data, "local"), out var v4)) return v4;
        return IpAddress.TryParse(Text(data, "local6"), out var v6) ? v6 : null;
    }

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : default;

    private static string Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString()! : "";

    private static int Number(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out var number) ? number : 0;

    private static bool IsTrue(JsonElement element, string name) => Member(element, name).ValueKind == JsonValueKind.True;

    private static bool Contains(JsonElement element, string name, string text) =>
        Member(element, name) is { ValueKind: JsonValueKind.Array } list
        && list.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.String && item.ValueEquals(text));
}
