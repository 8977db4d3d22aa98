using System.Net;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Tests.Client.Support;

namespace Flannel.Kubernetes.Tests.Client.Access;

public class ClusterProxyTests
{
    [Theory]
    [InlineData("https://10.96.0.1:443", "10.96.0.0/12", true)]
    [InlineData("https://10.96.0.1", "a.example, 10.97.1.2/12 ,b", true)]
    [InlineData("https://10.112.0.1", "10.96.0.0/12", false)]
    [InlineData("https://[fd00::1]:6443", "fd00::/8", true)]
    [InlineData("https://10.96.0.1", "10.96.0.0/33,/8,10/x,10.96.0.0/-1", false)]
    [InlineData("https://10.96.0.1", "0.0.0.0/0", true)]
    [InlineData("https://api.example", "10.0.0.0/8", false)]
    [InlineData("https://127.0.0.1:6443", null, true)]
    [InlineData("https://localhost:6443", null, true)]
    [InlineData("https://known.example", null, true)]
    public void Networks_and_this_host_are_reached_without_a_proxy(string server, string? noProxy, bool isBypassed)
    {
        var proxy = new ClusterProxy(new WebProxy("http://proxy:3128", BypassOnLocal: false, ["^https://known\\.example"]), noProxy);
        Assert.Equal(isBypassed, proxy.IsBypassed(new Uri(server)));
        Assert.Equal(isBypassed ? null : new Uri("http://proxy:3128"), proxy.GetProxy(new Uri(server)));
    }

    [Fact]
    public async Task A_proxy_of_the_kubeconfig_is_used_and_named_without_its_password()
    {
        await using var server = await StubApiServer.StartAsync(200, Json.Node("n1"));
        var path = server.WriteKubeconfig(
            "token: t", "insecure-skip-tls-verify: true\n    proxy-url: http://user:hIdDeN@127.0.0.1:1", "https://api.example:6443");
        using var api = Clients.Of(new KubeAccessOptions { KubeconfigFile = path });
        var e = await Assert.ThrowsAsync<KubeException>(() => api.GetNodeAsync("n1", TestContext.Current.CancellationToken));
        Assert.Equal((KubeErrorKind.Unavailable,
            "get nodes/n1: https://api.example:6443 through the proxy http://127.0.0.1:1: connection refused"), (e.Kind, e.Message));
        Assert.DoesNotContain("hIdDeN", e.ToString(), StringComparison.Ordinal);
    }
}
