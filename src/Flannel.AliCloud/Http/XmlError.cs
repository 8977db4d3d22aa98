using System.Net;
using System.Text;

namespace Flannel.AliCloud.Http;

/// <summary>An error in the XML form of the API. The gateway uses it for requests that it rejects before it reads the requested format:
/// <c>&lt;Error&gt;&lt;Code&gt;…&lt;/Code&gt;&lt;Message&gt;…&lt;/Message&gt;&lt;RequestId&gt;…&lt;/RequestId&gt;&lt;/Error&gt;</c>. Four
/// flat elements do not justify the size of an XML parser.</summary>
internal static class XmlError
{
    /// <returns>Null for other content, such as an HTML page. No input makes it throw.</returns>
    public static ErrorResponse? Parse(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body);
        if (Element(text, "Error") is not { } error || Element(error, "Code") is not { Length: > 0 } code) return null;
        return new ErrorResponse { Code = code, Message = Element(error, "Message"), RequestId = Element(error, "RequestId") };
    }

    /// <summary>The content between the first start tag and the next end tag, with entities decoded; null if a tag is missing.</summary>
    private static string? Element(string text, string name)
    {
        var start = text.IndexOf($"<{name}>", StringComparison.Ordinal);
        if (start < 0) return null;
        start += name.Length + 2;
        var end = text.IndexOf($"</{name}>", start, StringComparison.Ordinal);
        return end < 0 ? null : WebUtility.HtmlDecode(text[start..end]).Trim();
    }
}
