using System.Globalization;
using Flannel.AliVpc.Api;
using Flannel.AliVpc.Metadata;
using Flannel.Core.Addresses;
using Flannel.Etcd;
using Flannel.Etcd.Connection;
using Flanneld.Interfaces;

namespace Flanneld.Options;

/// <summary>Reads the text of a flag or variable. Each answers null, or what the value should have been.</summary>
internal static class FlagValues
{
    public static string? Boolean(string text, Action<bool> take)
    {
        // The words of Go's strconv.ParseBool, which upstream's users have in their unit files.
        switch (text)
        {
            case "" or "1" or "t" or "T" or "true" or "TRUE" or "True":
                take(true);
                return null;
            case "0" or "f" or "F" or "false" or "FALSE" or "False":
                take(false);
                return null;
            default:
                return "true or false";
        }
    }

    public static string? Number(string text, int lowest, int highest, string unit, Action<int> take)
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            || number < lowest || number > highest) return $"a number {unit}from {lowest} to {highest}";
        take(number);
        return null;
    }

    public static string? Address(string text, Action<Ipv4Address> take)
    {
        if (!Ipv4Address.TryParse(text, out var address)) return "an IPv4 address such as 192.168.1.11";
        take(address);
        return null;
    }

    public static string? AnyAddress(string text, Action<System.Net.IPAddress> take)
    {
        if (Ipv4Address.TryParse(text, out var v4)) take(v4.ToIPAddress());
        else if (Ipv6Network.TryParseAddress(text, out _)) take(System.Net.IPAddress.Parse(text));
        else return "an IP address such as 0.0.0.0 or ::";
        return null;
    }

    public static string? Endpoint(string text, Action<CloudEndpoint> take)
    {
        if (CloudEndpoint.Parse(text, out _) is not { } endpoint) return "a host or URL such as https://vpc-vpc.cn-hangzhou.aliyuncs.com, without a path or a user";
        take(endpoint);
        return null;
    }

    public static string? Metadata(string text, Action<string> take)
    {
        if (MetadataOptions.Parse(text, _ => null, out _) is null) return "a URL such as http://100.100.100.200, without a path or a user";
        take(text);
        return null;
    }

    public static string? Endpoints(string text, Action<string> take)
    {
        if (EtcdOptions.Create(text, null, null, null, null, null, out _) is null)
            return "URLs such as https://10.0.0.1:2379,https://10.0.0.2:2379, http:// or https:// each, without a path or a user";
        take(text);
        return null;
    }

    public static string? Text(string text, string form, Action<string> take)
    {
        if (text.Length == 0) return form;
        take(text);
        return null;
    }

    public static string? Regex(string text, Action<string> take)
    {
        try
        {
            _ = InterfacePattern.Compile(text);
            return Text(text, "a regular expression", take);
        }
        catch (ArgumentException)
        {
            return "a valid regular expression such as ^eth";
        }
    }

    public static string? Prefix(string text, Action<EtcdKeys> take)
    {
        if (!EtcdKeys.TryCreate(text, out var keys, out _)) return "a path such as /coreos.com/network";
        take(keys);
        return null;
    }
}
