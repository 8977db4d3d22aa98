using System.Text;

namespace Flannel.Core;

/// <summary>The form of every option that is an endpoint: <c>http://host[:port]</c> or <c>https://host[:port]</c>.</summary>
public static class Endpoint
{
    private const int LongestHost = 253; // RFC 1035, as text
    private const string Form = "use http://host:port or https://host:port";

    /// <returns>Scheme, host and port, with the path <c>/</c>. The error follows the option's name and a colon, and has no
    /// secret.</returns>
    /// <param name="userAdvice">What to do instead of writing a user into the endpoint.</param>
    public static Result<Uri> Parse(string text, string userAdvice = "remove the user")
    {
        if (text.Length == 0) return Result.Failure($"no endpoint given; {Form}");
        var isAbsolute = Uri.TryCreate(text, UriKind.Absolute, out var address);
        return FindProblem(text, userAdvice, isAbsolute ? address : null) is { } problem
            ? Result.Failure($"\"{Redaction.Endpoints(text)}\" {problem}")
            : new Uri(address!.GetLeftPart(UriPartial.Authority));
    }

    /// <param name="address">Null if the text is not an absolute URI.</param>
    private static string? FindProblem(string text, string userAdvice, Uri? address)
    {
        if (text.Contains('@') || address?.UserInfo.Length > 0) return $"holds a user; {userAdvice}";
        if (!text.Contains("://", StringComparison.Ordinal))
            return HasSchemeWithoutSlashes(text) ? $"is not an endpoint; {Form}" : "has no scheme; use http:// or https://";
        if (HasZone(text)) return "has an IPv6 zone (%), which is not supported; use an address without a zone";
        if (address is null || address.Host.Length is 0 or > LongestHost || !Ascii.IsValid(address.Host))
            return $"is not an endpoint; {Form}";
        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
            return "has another scheme than http and https; use http:// or https://";
        return address.PathAndQuery != "/" || address.Fragment.Length > 0 ? $"has a path, a query or a fragment; {Form}" : null;
    }

    private static bool HasSchemeWithoutSlashes(string text) =>
        text.StartsWith("http:", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https:", StringComparison.OrdinalIgnoreCase);

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
