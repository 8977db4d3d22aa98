using Flannel.Core;
using Flannel.Core.Tls;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The address of the API server, and how a client validates it and authenticates itself. Files are named here and read for each
/// request. Immutable.</summary>
/// <param name="Server">Scheme, host and port; a path without a slash at its end.</param>
/// <param name="Source">Where this comes from, for messages, such as <c>kubeconfig /etc/kubernetes/admin.conf</c>.</param>
internal sealed record ClusterAccess(Uri Server, TlsSettings Tls, string Source)
{
    /// <summary>The name in messages of TLS.</summary>
    public const string ServerName = "the API server";

    /// <summary>The server's certificate is not validated.</summary>
    public bool IsInsecure { get; init; }

    /// <summary>The name in the server's certificate; null for the host of <see cref="Server"/>.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>May contain a password. Null for the proxy of the environment.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>Null for none. A readable <see cref="TokenFile"/> has precedence.</summary>
    public Secret? Token { get; init; }

    /// <summary>Read for each request; null for none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The credential in messages, as in <c>rejects the token of /run/token</c>.</summary>
    public string Credential
    {
        get
        {
            if (TokenFile is not null) return $"the token of {Redaction.Path(TokenFile)}";
            if (Token is not null) return $"the token of {Source}";
            return Tls.Certificate.IsGiven ? $"the client certificate of {Tls.Certificate.Source}" : "requests without credentials";
        }
    }

    /// <summary>Scheme, host, port and path, for messages.</summary>
    public string DisplayName => Server.AbsoluteUri.TrimEnd('/');
}
