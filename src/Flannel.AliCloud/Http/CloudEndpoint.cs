using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>The address of a service: a scheme, a host and an optional port.</summary>
public sealed record CloudEndpoint
{
    private CloudEndpoint(Uri address) => Address = address;

    /// <summary>The path is <c>/</c>; there is no query.</summary>
    public Uri Address { get; }

    /// <summary>The value of the header <c>Host</c>, which is signed.</summary>
    public string Host => Address.IsDefaultPort ? Address.Host : $"{Address.Host}:{Address.Port}";

    /// <summary>True for <c>http://</c>: calls are not encrypted.</summary>
    public bool IsPlain => Address.Scheme == Uri.UriSchemeHttp;

    /// <summary>Parses <c>https://host[:port]</c> or <c>http://host[:port]</c>, without user, path and query.</summary>
    /// <returns>A failure is one line that follows the option's name and a colon.</returns>
    public static Result<CloudEndpoint> Parse(string text) => Endpoint.Parse(text).Select(address => new CloudEndpoint(address));

    internal static CloudEndpoint ForHost(string host) => new(new Uri($"https://{host}"));

    public override string ToString() => Address.GetLeftPart(UriPartial.Authority);
}
