using System.Net;
using System.Text;

namespace Flannel.AliCloud.Http;

/// <summary>An error in the XML form of the API, which the gateway chooses for what it refuses before it has read the wanted format:
/// <c>&lt;Error&gt;&lt;Code&gt;…&lt;/Code&gt;&lt;Message&gt;…&lt;/Message&gt;&lt;RequestId&gt;…&lt;/RequestId&gt;&lt;/Error&gt;</c>. Four
/// flat elements are no reason to carry an XML parser.</summary>
internal static class XmlError
{
    /// <returns>Null when it is something else, such as a page in HTML. Total: no bytes make it throw.</returns>
    public static ErrorResponse? Parse(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body);
        if (Element(text, "Error") is not { } error || Element(error, "Code") is not { Length: > 0 } code) return null;
        return new ErrorResponse { Code = code, Message = Element(error, "Message"), RequestId = Element(error, "RequestId") };
    }

    /// <summary>What stands between the first start tag and the first end tag after it, without entities; null without the two.</summary>
    private static string? Element(string text, string name)
    {
        var start = text.IndexOf($"<{name}>", StringComparison.Ordinal);
        if (start < 0) return null;
        start += name.Length + 2;
        var end = text.IndexOf($"</{name}>", start, StringComparison.Ordinal);
        return end < 0 ? null : WebUtility.HtmlDecode(text[start..end]).Trim();
    }
}
