using System.Net;
using System.Net.Security;
using Flannel.Core.Tls;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>Creates the connections of one access. Nothing is opened before the first request.</summary>
internal static class ApiConnectionFactory
{
    // Go's and .NET's clients look these names up in this order.
    private static readonly string[] NoProxyVariables = ["no_proxy", "NO_PROXY"];

    public static ApiConnection Create(ClusterAccess access, TlsMaterial material, Func<string, string?> environment)
    {
        var problem = new TlsProblem();
        var proxy = CreateProxy(access, environment);
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = KubeLimits.Connect,
            // As client-go does (apimachinery, util/net/http.go): a connection that broke silently ends within 45 s.
            KeepAlivePingDelay = KubeLimits.PingDelay,
            KeepAlivePingTimeout = KubeLimits.PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = KubeLimits.IdleConnection,
            // Without AutomaticDecompression, which links zlib and brotli: API servers compress lists of 128 KiB and more, and one node
            // lists all nodes.
            AllowAutoRedirect = false, // a token is for one host
            UseCookies = false,
            MaxResponseHeadersLength = 64, // KiB
            ActivityHeadersPropagator = null,
            PreAuthenticate = false,
            Proxy = proxy,
            SslOptions = CreateTls(access, material, problem),
        };
        var http = new HttpMessageInvoker(handler);
        var proxyName = proxy.IsBypassed(access.Server)
            ? null
            : proxy.GetProxy(access.Server)?.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        return new ApiConnection(access, material, http, problem, proxyName);
    }

    private static IWebProxy CreateProxy(ClusterAccess access, Func<string, string?> environment)
    {
        if (access.Proxy is null)
        {
            var noProxy = NoProxyVariables.Select(environment).FirstOrDefault(value => value is not null);
            return new ClusterProxy(HttpClient.DefaultProxy, noProxy);
        }

        var proxy = new WebProxy(access.Proxy);
        if (access.Proxy.UserInfo is { Length: > 0 } user)
        {
            var parts = user.Split(':', 2);
            proxy.Credentials = new NetworkCredential(
                Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
        }

        return proxy;
    }

    private static SslClientAuthenticationOptions CreateTls(ClusterAccess access, TlsMaterial material, TlsProblem problem)
    {
        var host = access.TlsServerName ?? access.Server.Authority;
        return new SslClientAuthenticationOptions
        {
            ClientCertificateContext = material.Client,
            CertificateChainPolicy = new CertificateValidator(host, access.Tls.Authorities, material.Authorities).CreatePolicy(),
            RemoteCertificateValidationCallback = (sender, certificate, chain, errors) =>
            {
                var validator = new CertificateValidator(host, access.Tls.Authorities, material.Authorities);
                var isAccepted = validator.Validate(sender, certificate, chain, errors) || access.IsInsecure;
                problem.Text = isAccepted ? null : validator.Problem;
                return isAccepted;
            },
        };
    }
}
