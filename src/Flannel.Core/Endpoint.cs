using System.Text;

namespace Flannel.Core;

/// <summary>What the text of an option that names an endpoint came to.</summary>
/// <param name="Address">Scheme, host and port, with the path <c>/</c>; null when the text is refused.</param>
/// <param name="Error">One line that follows the option's name and a colon, without a secret; empty when there is an address.</param>
public readonly record struct EndpointResult(Uri? Address, string Error);

/// <summary>The one form of every endpoint option: <c>http://host[:port]</c> or <c>https://host[:port]</c>.</summary>
public static class Endpoint
{
    private const int LongestHost = 253; // RFC 1035, as text

    /// <param name="userAdvice">What to do instead of writing a user into the endpoint.</param>
    public static EndpointResult Parse(string text, string userAdvice = "remove the user")
    {
        if (text.Length == 0) return new EndpointResult(null, "no endpoint given; use http://host:port or https://host:port");
        if (Problem(text, userAdvice, out var address) is { } problem) return new EndpointResult(
            null, $"\"{Redaction.Endpoints(text)}\" {problem}");
        return new EndpointResult(new Uri(address!.GetLeftPart(UriPartial.Authority)), "");
    }

    private static string? Problem(string text, string userAdvice, out Uri? address)
    {
        const string form = "use http://host:port or https://host:port";
        var isAbsolute = Uri.TryCreate(text, UriKind.Absolute, out address);
        if (text.Contains('@') || address?.UserInfo.Length > 0) return $"holds a user; {userAdvice}";
        if (!text.Contains("://", StringComparison.Ordinal))
        {
            return text.StartsWith("http:", StringComparison.OrdinalIgnoreCase) || text.StartsWith(
                "https:", StringComparison.OrdinalIgnoreCase)
                ? $"is not an endpoint; {form}"
                : "has no scheme; use http:// or https://";
        }

        if (HasZone(text)) return "has an IPv6 zone (%), which is not supported; use an address without a zone";
        if (!isAbsolute || address!.Host.Length is 0 or > LongestHost || !Ascii.IsValid(address.Host)) return $"is not an endpoint; {form}";
        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
            return "has another scheme than http and https; use http:// or https://";
        return address.PathAndQuery != "/" || address.Fragment.Length > 0 ? $"has a path, a query or a fragment; {form}" : null;
    }

    /// <summary>As in <c>[fe80::1%25eth0]</c>. .NET drops the zone, and the kernel does not connect to a link-local address without
    /// one.</summary>
    private static bool HasZone(string text)
    {
        var host = text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3);
        if (!host.StartsWith('[')) return false;
        var end = host.IndexOfAny("]/?#");
        return host[..(end < 0 ? host.Length : end)].Contains('%');
    }
}
