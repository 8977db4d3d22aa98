using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Flannel.Core;
using Flannel.Core.Tls;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The access of a pod through its service account (client-go, rest/config.go, InClusterConfig).</summary>
internal static class InCluster
{
    private const string HostVariable = "KUBERNETES_SERVICE_HOST";
    private const string PortVariable = "KUBERNETES_SERVICE_PORT";
    private const string TokenName = "token";
    private const string AuthorityName = "ca.crt";

    /// <returns>The error is for an operator.</returns>
    public static Result<ClusterAccess> Create(KubeAccessOptions options)
    {
        if (options.Environment(HostVariable) is not { Length: > 0 } host || options.Environment(PortVariable) is not { Length: > 0 } port)
        {
            return Result.Failure(
                $"not in a pod of a Kubernetes cluster ({HostVariable} or {PortVariable} is not set); give --kubeconfig-file");
        }

        if (!ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out _) || !IsHost(host))
        {
            return Result.Failure(
                $"{HostVariable} and {PortVariable} are no host and port: \"{PrintableText.Of(host)}\" and \"{PrintableText.Of(port)}\"");
        }

        var isIpv6 = IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;
        var server = new Uri($"https://{(isIpv6 ? $"[{host}]" : host)}:{port}");
        var token = Path.Combine(options.ServiceAccountFolder, TokenName);
        return SmallFile.CheckReadable(token).WithErrorPrefix($"token of the service account {Redaction.Path(token)} ")
            .Select(_ => WithServiceAccount(server, options.ServiceAccountFolder));
    }

    /// <summary>An API server at another address, with the pod's service account if there is one: behind a load balancer, for
    /// example.</summary>
    /// <param name="server">The token is not sent without TLS.</param>
    public static ClusterAccess WithUrl(Uri server, KubeAccessOptions options)
    {
        var isMounted = File.Exists(Path.Combine(options.ServiceAccountFolder, TokenName));
        return server.Scheme == Uri.UriSchemeHttps && isMounted
            ? WithServiceAccount(server, options.ServiceAccountFolder)
            : new ClusterAccess(server, Settings(authorities: null), "--kube-api-url");
    }

    private static ClusterAccess WithServiceAccount(Uri server, string folder) =>
        new(server, Settings(Path.Combine(folder, AuthorityName)), "the service account")
        {
            TokenFile = Path.Combine(folder, TokenName),
        };

    private static TlsSettings Settings(string? authorities) => new(
        ClusterAccess.ServerName, new TlsInput("CA of the service account", authorities), new TlsInput("client-certificate"),
        new TlsInput("client-key"));

    private static bool IsHost(string host) => Uri.CheckHostName(host) != UriHostNameType.Unknown;
}
