using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Http;
using Flannel.Kubernetes.Tests.Client.Support;
using Flannel.Testbed;

namespace Flannel.Kubernetes.Tests.Client.Access;

public sealed class InClusterTests : IDisposable
{
    private readonly RunFolder folder = new("serviceaccount");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("10.96.0.1", "443", "https://10.96.0.1")]
    [InlineData("fd00:10:96::1", "6443", "https://[fd00:10:96::1]:6443")]
    [InlineData("kubernetes.default.svc", "443", "https://kubernetes.default.svc")]
    public void The_service_account_of_the_pod_is_used(string host, string port, string expected)
    {
        File.WriteAllText(Path.Combine(folder.Path, "token"), "t");
        var access = InCluster.Create(Options(host, port)).Value;
        Assert.Equal((expected, Path.Combine(folder.Path, "token"), Path.Combine(folder.Path, "ca.crt")),
            (access.DisplayName, access.TokenFile, access.Tls.Authorities.Path));
    }

    [Theory]
    [InlineData(null, "443")]
    [InlineData("10.96.0.1", "")]
    public void Outside_of_a_cluster_one_line_says_what_to_do(string? host, string? port) =>
        Assert.Equal(
            "not in a pod of a Kubernetes cluster (KUBERNETES_SERVICE_HOST or KUBERNETES_SERVICE_PORT is not set); give --kubeconfig-file",
            KubeApi.Create(Options(host, port), new ClientParts().Context).Error);

    [Theory]
    [InlineData("10.96.0.1", "tcp://10.96.0.1:443")]
    [InlineData("a b", "443")]
    public void Variables_that_are_no_address_are_named(string host, string port) =>
        Assert.Equal($"KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no host and port: \"{host}\" and \"{port}\"",
            InCluster.Create(Options(host, port)).Error);

    [Fact]
    public void A_pod_without_a_token_is_an_error() =>
        Assert.Equal($"token of the service account {folder.Path}/token does not exist",
            InCluster.Create(Options("10.96.0.1", "443")).Error);

    [Fact]
    public void A_missing_CA_is_named()
    {
        File.WriteAllText(Path.Combine(folder.Path, "token"), "t");
        Assert.Equal($"CA of the service account {folder.Path}/ca.crt does not exist",
            KubeApi.Create(Options("10.96.0.1", "443"), new ClientParts().Context).Error);
    }

    [Fact]
    public void An_API_URL_alone_uses_the_service_account_with_TLS_only()
    {
        File.WriteAllText(Path.Combine(folder.Path, "token"), "t");
        var options = Options(null, null);
        Assert.NotNull(InCluster.WithUrl(new Uri("https://lb:6443"), options).TokenFile);
        Assert.Null(InCluster.WithUrl(new Uri("http://localhost:8080"), options).TokenFile);
        File.Delete(Path.Combine(folder.Path, "token"));
        Assert.Null(InCluster.WithUrl(new Uri("https://lb:6443"), options).TokenFile);
    }

    private KubeAccessOptions Options(string? host, string? port) => new()
    {
        ServiceAccountFolder = folder.Path,
        Environment = name => name switch
        {
            "KUBERNETES_SERVICE_HOST" => host,
            "KUBERNETES_SERVICE_PORT" => port,
            _ => null,
        },
    };
}
