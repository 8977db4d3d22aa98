using System.Text;

namespace Flannel.AliVpc.Api;

/// <summary>Where a service answers: a scheme, a host and perhaps a port.</summary>
public sealed record CloudEndpoint
{
    private CloudEndpoint(Uri address) => Address = address;

    /// <summary>With path <c>/</c> and nothing else.</summary>
    public Uri Address { get; }

    /// <summary>As it is sent in <c>Host</c>, and signed.</summary>
    public string Host => Address.IsDefaultPort ? Address.Host : $"{Address.Host}:{Address.Port}";

    /// <summary>Calls go in the clear: only because somebody wrote <c>http://</c>.</summary>
    public bool IsPlain => Address.Scheme == Uri.UriSchemeHttp;

    /// <summary>A host, a host with a port (both mean https), or an address that begins with <c>https://</c> or <c>http://</c>.</summary>
    /// <param name="error">One line; empty when it is one.</param>
    public static CloudEndpoint? Parse(string text, out string error)
    {
        error = "";
        var whole = text.Contains("://", StringComparison.Ordinal) ? text : $"https://{text}";
        if (Uri.TryCreate(whole, UriKind.Absolute, out var address)
            && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp)
            && address.Host.Length is > 0 and <= 253 && Ascii.IsValid(address.Host) && address.UserInfo.Length == 0 && address.PathAndQuery == "/" && address.Fragment.Length == 0)
            return new CloudEndpoint(new Uri(address.GetLeftPart(UriPartial.Authority)));

        error = "an endpoint must be a host such as vpc-vpc.cn-hangzhou.aliyuncs.com, or https://host:port, without path, user or query";
        return null;
    }

    internal static CloudEndpoint ForHost(string host) => new(new Uri($"https://{host}"));

    public override string ToString() => Address.GetLeftPart(UriPartial.Authority);
}
