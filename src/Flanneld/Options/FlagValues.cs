using System.Globalization;
using Flannel.Core.Addresses;

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

    public static string? Endpoint(string text, Action<Uri> take)
    {
        const string form = "a URL such as https://vpc-vpc.cn-hangzhou.aliyuncs.com, without a path";
        if (!IsHttp(text, out var uri)) return form;
        take(uri);
        return null;
    }

    public static string? Endpoints(string text, Action<IReadOnlyList<Uri>> take)
    {
        var uris = new List<Uri>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IsHttp(part, out var uri)) return "URLs such as https://10.0.0.1:2379,https://10.0.0.2:2379, http:// or https:// each";
            uris.Add(uri);
        }

        if (uris.Count == 0) return "at least one URL such as http://127.0.0.1:2379";
        if (uris.Select(u => u.Scheme).Distinct().Count() > 1) return "URLs of one kind: all http:// or all https://";
        take(uris);
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
            _ = new System.Text.RegularExpressions.Regex(text, System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));
            return Text(text, "a regular expression", take);
        }
        catch (ArgumentException)
        {
            return "a valid regular expression such as ^eth";
        }
    }

    /// <summary>An etcd prefix: absolute, without a slash at the end, without an empty part.</summary>
    public static string? Prefix(string text, Action<string> take)
    {
        var trimmed = text.TrimEnd('/');
        if (!trimmed.StartsWith('/') || trimmed.Contains("//") || trimmed.Any(char.IsControl))
            return "a path such as /coreos.com/network";
        take(trimmed);
        return null;
    }

    private static bool IsHttp(string text, out Uri uri)
    {
        // A Uri keeps user:password@, which would be a secret in every log line that names the endpoint.
        var ok = Uri.TryCreate(text, UriKind.Absolute, out var parsed)
            && parsed is { Scheme: "http" or "https", UserInfo: "", Query: "", Fragment: "", AbsolutePath: "/", Host.Length: > 0 };
        uri = parsed!;
        return ok;
    }
}
