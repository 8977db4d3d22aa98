using Flannel.Kubernetes.Client.Access;

namespace Flannel.Kubernetes.Tests.Client.Access;

public class KubeconfigTests
{
    private const string Path = "/etc/kubernetes/admin.conf";

    [Fact]
    public void The_current_context_is_read()
    {
        var access = Parse(Text("certificate-authority: pki/ca.crt\n    proxy-url: http://proxy:3128\n    tls-server-name: kube",
            "client-certificate: me.crt\n    client-key: /keys/me.key\n    token: abc\n    tokenFile: ../token")).Value;
        Assert.Equal("https://10.0.0.1:6443", access.DisplayName);
        Assert.Equal(("/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/me.crt", "/keys/me.key"),
            (access.Tls.Authorities.Path, access.Tls.Certificate.Path, access.Tls.Key.Path));
        Assert.Equal(("/etc/token", "abc", "kube", "http://proxy:3128/"),
            (access.TokenFile, access.Token!.RevealText(), access.TlsServerName, access.Proxy!.AbsoluteUri));
        Assert.False(access.IsInsecure);
    }

    [Fact]
    public void Content_in_base64_has_precedence_over_files()
    {
        var access = Parse(Text("certificate-authority-data: Y2E=\n    certificate-authority: ca.crt",
            "client-certificate-data: Y2VydA==\n    client-key-data: a2V5")).Value;
        Assert.Equal((null, "ca"), (access.Tls.Authorities.Path, access.Tls.Authorities.Text!.RevealText()));
        Assert.Equal(("cert", "key"), (access.Tls.Certificate.Text!.RevealText(), access.Tls.Key.Text!.RevealText()));
        Assert.Equal($"the client certificate of kubeconfig {Path} client-certificate-data", access.Credential);
    }

    [Fact]
    public void JSON_is_read_and_a_user_is_optional()
    {
        var access = Parse("""
            {"current-context":"c","contexts":[{"name":"b"},{"name":"c","context":{"cluster":"k"}}],"users":null,
            "clusters":[{"name":"k","cluster":{"server":"https://[fd00::1]:6443/path/"}}]}
            """).Value;
        Assert.Equal(
            ("https://[fd00::1]:6443/path", null, "requests without credentials"), (access.DisplayName, access.Token, access.Credential));
    }

    [Fact]
    public void A_token_in_a_block_of_text_and_CRLF_are_read() =>
        Assert.Equal("abc", Parse(Text("", "token: |\n      abc").ReplaceLineEndings("\r\n")).Value.Token!.RevealText());

    [Fact]
    public void The_flag_takes_the_place_of_the_server()
    {
        var kubeconfig = Kubeconfig("https://lb:6443");
        Assert.Equal("https://lb:6443", kubeconfig.Parse(Text("", "token: a")).Value.DisplayName);
        Assert.Equal("https://lb:6443", kubeconfig.Parse(Text("extensions: []", "token: a", server: "")).Value.DisplayName);
        Assert.Equal(
            $"kubeconfig {Path} is used with --kube-api-url \"ftp://lb\" has another scheme than http and https; use https://host:port",
            Kubeconfig("ftp://lb").Parse(Text("", "token: a")).Error);
    }

    [Theory]
    [InlineData("localhost:8080", "", "http://localhost:8080")]
    [InlineData("10.0.0.1:6443", "insecure-skip-tls-verify: true", "https://10.0.0.1:6443")]
    [InlineData("10.0.0.1", "certificate-authority: a", "https://10.0.0.1")]
    public void A_server_without_a_scheme_is_read_as_client_go_does(string server, string cluster, string expected) =>
        Assert.Equal(expected, Parse(Text(cluster, "token: a", server: $"server: {server}")).Value.DisplayName);

    [Theory]
    [InlineData("exec:\n      command: aws", "exec")]
    [InlineData("auth-provider: {name: gcp}", "auth-provider")]
    [InlineData("username: admin", "username")]
    [InlineData("token: a\n    as: admin", "as")]
    public void A_user_that_needs_what_is_not_supported_is_one_line(string user, string field) =>
        Assert.Equal(
            $"kubeconfig {Path} uses {field} for user \"me\", which flanneld does not support; "
            + "give a token, a tokenFile or a client certificate",
            Parse(Text("", user)).Error);

    [Theory]
    [InlineData("client-key: a", "has a client-certificate or a client-key without the other one; give both")]
    [InlineData("client-key-data: '%%'", "has no base64 in client-key-data")]
    [InlineData("token: [a]", "has no a text in users.user.token")]
    [InlineData("token: hIdDeN two", "has spaces or characters in users.user.token that no token has")]
    [InlineData("token: hIdDeNé", "has spaces or characters in users.user.token that no token has")]
    public void A_user_that_cannot_be_used_is_one_line(string user, string problem) =>
        Assert.Equal($"kubeconfig {Path} {problem}", Parse(Text("", user)).Error);

    [Theory]
    [InlineData("insecure-skip-tls-verify: true\n    certificate-authority: a",
        "has a certificate-authority and insecure-skip-tls-verify, which contradict each other; remove one")]
    [InlineData("insecure-skip-tls-verify: maybe", "has no true or false in clusters.cluster.insecure-skip-tls-verify")]
    [InlineData("proxy-url: proxy:3128", "has proxy-url \"proxy:3128\", which is not http://, https:// or socks5://host:port")]
    [InlineData("proxy-url: http://u:hIdDeN@proxy:x", "has proxy-url \"***\", which is not http://, https:// or socks5://host:port")]
    public void A_cluster_that_cannot_be_used_is_one_line(string cluster, string problem) =>
        Assert.Equal($"kubeconfig {Path} {problem}", Parse(Text(cluster, "token: a")).Error);

    [Theory]
    [InlineData("", "is not a kubeconfig: it has no fields")]
    [InlineData("token", "is not a kubeconfig: it has no fields")]
    [InlineData("a: b\nc: 'hIdDeN", "is neither YAML nor JSON (line 2)")]
    [InlineData("users: hIdDeN", "has no current-context")]
    [InlineData("current-context: x", "has no context \"x\", which is its current-context")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {}}]", "names no cluster in context \"x\"")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: y}}]", "has no cluster \"y\", which context \"x\" names")]
    [InlineData(
        "current-context: x\ncontexts: [{name: x, context: {cluster: y, user: z}}]\nclusters: [{name: y, cluster: {server: 'https://a'}}]",
        "has no user \"z\", which context \"x\" names")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: {}}]",
        "has no server for its cluster; add one, or give --kube-api-url")]
    [InlineData(
        "current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: {server: 'https://u:hIdDeN@a.b:1'}}]",
        "cluster.server: \"***@a.b:1\" holds a user; remove it")]
    public void A_text_that_is_no_usable_kubeconfig_is_one_line_without_its_content(string text, string problem) =>
        Assert.Equal($"kubeconfig {Path} {problem}", Parse(text).Error);

    private static Kubeconfig Kubeconfig(string apiUrl = "") => new(Path, apiUrl);

    private static Core.Result<ClusterAccess> Parse(string text) => Kubeconfig().Parse(text);

    private static string Text(string cluster, string user, string server = "server: https://10.0.0.1:6443") => $"""
        apiVersion: v1
        kind: Config
        current-context: here
        contexts:
        - name: other
          context: {'{'}cluster: none, user: none{'}'}
        - name: here
          context: {'{'}cluster: one, user: me, namespace: x{'}'}
        clusters:
        - name: one
          cluster:
            {server}
            {cluster}
        users:
        - name: me
          user:
            {user}

        """;
}
