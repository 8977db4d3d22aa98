using Flannel.Core;

namespace Flannel.AliCloud.Http;

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

    /// <summary>An address that begins with <c>https://</c> or <c>http://</c>, without path, user or query.</summary>
    /// <param name="error">One line that follows the option's name and a colon; empty when it is one.</param>
    public static CloudEndpoint? Parse(string text, out string error)
    {
        (var address, error) = Endpoint.Parse(text);
        return address is null ? null : new CloudEndpoint(address);
    }

    internal static CloudEndpoint ForHost(string host) => new(new Uri($"https://{host}"));

    public override string ToString() => Address.GetLeftPart(UriPartial.Authority);
}
