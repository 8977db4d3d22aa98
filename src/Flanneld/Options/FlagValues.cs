using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flanneld.Host.Interfaces;

namespace Flanneld.Options;

/// <summary>Reads the text of a flag or variable. Each answers null, or the rest of a line that begins with the flag's name; a secret is
/// not in it.</summary>
internal static class FlagValues
{
    private const int HighestLevel = 10;

    public static string? Boolean(string text, Action<bool> take)
    {
        if (ParseBoolean(text) is not { } value) return Wrong(text, "true or false");
        take(value);
        return null;
    }

    /// <summary>The words of Go's <c>strconv.ParseBool</c>, which upstream's users have in their unit files; null for any other.</summary>
    public static bool? ParseBoolean(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => null,
    };

    public static string? Number(string text, int lowest, int highest, string unit, Action<int> take)
    {
        if (GoNumber.Parse(text) is not { } number || number < lowest || number > highest)
            return Wrong(text, $"a number {unit}from {lowest} to {highest}");
        take((int)number);
        return null;
    }

    /// <summary>Any level, as upstream; beyond the highest there is nothing more to log.</summary>
    public static string? Level(string text, Action<int> take)
    {
        if (GoNumber.Parse(text) is not { } number) return Wrong(text, $"a number from 0 to {HighestLevel}");
        take((int)Math.Clamp(number, 0, HighestLevel));
        return null;
    }

    public static string? Address(string text, Action<Ipv4Address> take)
    {
        if (!Ipv4Address.TryParse(text, out var address)) return Wrong(text, "an IPv4 address such as 192.168.1.11");
        take(address);
        return null;
    }

    public static string? AnyAddress(string text, Action<System.Net.IPAddress> take)
    {
        if (Ipv4Address.TryParse(text, out var v4)) take(v4.ToIPAddress());
        else if (Ipv6Network.TryParseAddress(text, out _)) take(System.Net.IPAddress.Parse(text));
        else return Wrong(text, "an IP address such as 0.0.0.0 or ::");
        return null;
    }

    public static string? Endpoint(string text, Action<CloudEndpoint> take)
    {
        if (CloudEndpoint.Parse(text, out var error) is not { } endpoint) return $": {error}";
        take(endpoint);
        return null;
    }

    public static string? Metadata(string text, Action<string> take)
    {
        if (MetadataOptions.Parse(text, _ => null, out var error) is null) return $": {error}";
        take(text);
        return null;
    }

    public static string? Endpoints(string text, Action<string> take)
    {
        if (EtcdOptions.Create(text, null, null, null, null, null, out var error) is not { } options) return $": {error}";
        take(options.ToString());
        return null;
    }

    public static string? Text(string text, Action<string> take)
    {
        take(text);
        return null;
    }

    public static string? Regex(string text, Action<string> take)
    {
        try
        {
            _ = InterfacePattern.Compile(text);
            return Text(text, take);
        }
        catch (ArgumentException)
        {
            return Wrong(text, "a valid regular expression such as ^eth");
        }
    }

    public static string? Prefix(string text, Action<EtcdKeys> take)
    {
        if (!EtcdKeys.TryCreate(text, out var keys, out _)) return Wrong(text, "a path such as /coreos.com/network");
        take(keys);
        return null;
    }

    public static string Wrong(string text, string form) => $" is '{Redaction.Value(text)}', and must be {form}";
}
