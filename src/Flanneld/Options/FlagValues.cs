using System.Net;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;

namespace Flanneld.Options;

/// <summary>Reads the text of a flag or variable. An error does not name the flag, and contains no secret.</summary>
internal static class FlagValues
{
    private const int HighestLevel = 10;

    public static Result<Unit> Boolean(string text, Action<bool> set) =>
        ParseBoolean(text) is { } value ? Set(value, set) : Invalid(text, "true or false");

    /// <summary>The texts of Go's <c>strconv.ParseBool</c>, which upstream's users have in their unit files; null for any other.</summary>
    public static bool? ParseBoolean(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => null,
    };

    /// <param name="unit">Such as "of seconds "; empty for none.</param>
    public static Result<Unit> Number(string text, int lowest, int highest, string unit, Action<int> set) =>
        GoNumber.Parse(text) is { } number && number >= lowest && number <= highest
            ? Set((int)number, set)
            : Invalid(text, $"a number {unit}from {lowest} to {highest}");

    /// <summary>Any level, as upstream: nothing more is logged above the highest one.</summary>
    public static Result<Unit> Level(string text, Action<int> set) =>
        GoNumber.Parse(text) is { } number
            ? Set((int)Math.Clamp(number, 0, HighestLevel), set)
            : Invalid(text, $"a number from 0 to {HighestLevel}");

    public static Result<Unit> Address(string text, Action<Ipv4Address> set) =>
        Ipv4Address.TryParse(text, out var address) ? Set(address, set) : Invalid(text, "an IPv4 address such as 192.168.1.11");

    /// <summary>IPv4 networks, separated by commas.</summary>
    public static Result<Unit> Networks(string text, Action<Ipv4Network> add)
    {
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!Ipv4Network.TryParse(part, '/', out var network, out _)) return Invalid(part, "an IPv4 network such as 10.0.0.0/8");
            if (network.Length == 0) return Invalid(part, "a network that leaves an address to masquerade for: omit --ip-masq instead");
            add(network);
        }

        return Unit.Instance;
    }

    public static Result<Unit> Ipv6Address(string text, Action<IpAddress> set) => Ipv6Network.TryParseAddress(text, out var address)
        ? Set(IpAddress.V6(address), set)
        : Invalid(text, "an IPv6 address such as fd00::7");

    public static Result<Unit> AnyAddress(string text, Action<IPAddress> set)
    {
        if (Ipv4Address.TryParse(text, out var v4)) return Set(v4.ToIPAddress(), set);
        return Ipv6Network.TryParseAddress(text, out _)
            ? Set(IPAddress.Parse(text), set)
            : Invalid(text, "an IP address such as 0.0.0.0 or ::");
    }

    public static Result<Unit> Endpoint(string text, Action<CloudEndpoint> set)
    {
        var endpoint = CloudEndpoint.Parse(text);
        return endpoint.Ok ? Set(endpoint.Value, set) : Result.Failure(endpoint.Error);
    }

    public static Result<Unit> ApiServer(string text, Action<Uri> set)
    {
        var endpoint = Flannel.Core.Endpoint.Parse(text, "use --kubeconfig-file");
        return endpoint.Ok ? Set(endpoint.Value, set) : Result.Failure(endpoint.Error);
    }

    /// <summary>The name of an annotation has at most one slash.</summary>
    public static Result<Unit> AnnotationPrefix(string text, Action<string> set) =>
        text.Count(each => each == '/') <= 1 ? Set(text, set) : Invalid(text, "a prefix with at most one slash");

    public static Result<Unit> Metadata(string text, Action<string> set)
    {
        var metadata = MetadataOptions.Parse(text, _ => null);
        return metadata.Ok ? Set(text, set) : Result.Failure(metadata.Error);
    }

    public static Result<Unit> Endpoints(string text, Action<string> set)
    {
        var options = EtcdOptions.Create(text);
        return options.Ok ? Set(options.Value.ToString(), set) : Result.Failure(options.Error);
    }

    public static Result<Unit> Text(string text, Action<string> set) => Set(text, set);

    public static Result<Unit> Regex(string text, Action<string> set)
    {
        try
        {
            _ = InterfacePattern.Compile(text);
            return Set(text, set);
        }
        catch (ArgumentException)
        {
            return Invalid(text, "a valid regular expression such as ^eth");
        }
    }

    public static Result<Unit> Prefix(string text, Action<EtcdKeys> set)
    {
        var keys = EtcdKeys.Parse(text);
        return keys.Ok ? Set(keys.Value, set) : Invalid(text, "a path such as /coreos.com/network");
    }

    /// <param name="form">What the value must be.</param>
    public static Failure Invalid(string text, string form) => Result.Failure($"\"{Redaction.Value(text)}\" is not {form}");

    private static Result<Unit> Set<T>(T value, Action<T> set)
    {
        set(value);
        return Unit.Instance;
    }
}
