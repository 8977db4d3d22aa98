using Flannel.Core;
using Flannel.Core.Tls;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>Reads the current context of a kubeconfig, in YAML or JSON, as client-go does (tools/clientcmd).</summary>
/// <param name="path">Of the file. Its folder is that of the relative paths in it.</param>
/// <param name="apiUrl">Takes the place of the cluster's server; empty for none.</param>
internal sealed class Kubeconfig(string path, string apiUrl)
{
    private const string UserAdvice = "give a token, a tokenFile or a client certificate";

    // Fields of a user that this program has no use for. A user with one of them would be another one without it.
    private static readonly string[] UnsupportedUserFields = ["exec", "auth-provider", "username", "as", "as-uid", "as-groups"];

    private readonly string source = $"kubeconfig {Redaction.Path(path)}";

    /// <returns>The error names the file and has no secret.</returns>
    public Result<ClusterAccess> Parse(string text)
    {
        try
        {
            return Read(YamlFields.Parse(text)).WithErrorPrefix($"{source} ");
        }
        catch (FormatException e)
        {
            return Result.Failure($"{source} {e.Message}");
        }
    }

    private Result<ClusterAccess> Read(YamlFields root)
    {
        if (root.Text("current-context") is not { } name) return Result.Failure("has no current-context");
        if (Named(root, "contexts", "context", name) is not { } context)
            return Result.Failure($"has no context {Quoted(name)}, which is its current-context");
        if (context.Text("cluster") is not { } clusterName) return Result.Failure($"names no cluster in context {Quoted(name)}");
        if (Named(root, "clusters", "cluster", clusterName) is not { } cluster)
            return Result.Failure($"has no cluster {Quoted(clusterName)}, which context {Quoted(name)} names");
        var userName = context.Text("user");
        var user = userName is null ? null : Named(root, "users", "user", userName);
        if (userName is not null && user is null)
            return Result.Failure($"has no user {Quoted(userName)}, which context {Quoted(name)} names");
        if (UnsupportedUserFields.FirstOrDefault(field => user?.Has(field) ?? false) is { } unsupported)
            return Result.Failure($"uses {unsupported} for user {Quoted(userName!)}, which flanneld does not support; {UserAdvice}");
        return Combine(cluster, user);
    }

    private Result<ClusterAccess> Combine(YamlFields cluster, YamlFields? user)
    {
        var tls = new TlsSettings(
            ClusterAccess.ServerName, Input(cluster, "certificate-authority"), Input(user, "client-certificate"),
            Input(user, "client-key"));
        var isInsecure = cluster.Flag("insecure-skip-tls-verify");
        if (isInsecure && tls.Authorities.IsGiven)
            return Result.Failure("has a certificate-authority and insecure-skip-tls-verify, which contradict each other; remove one");
        if (tls.Certificate.IsGiven != tls.Key.IsGiven)
            return Result.Failure("has a client-certificate or a client-key without the other one; give both");
        var usesTls = isInsecure || tls.Authorities.IsGiven || tls.Certificate.IsGiven;
        var server = ParseServer(cluster, usesTls);
        if (!server.Ok) return Result.Failure(server.Error);
        var proxy = ParseProxy(cluster);
        if (!proxy.Ok) return Result.Failure(proxy.Error);
        return new ClusterAccess(server.Value, tls, source)
        {
            IsInsecure = isInsecure,
            TlsServerName = cluster.Text("tls-server-name"),
            Proxy = proxy.Value.Address,
            Token = ReadToken(user),
            TokenFile = user?.Text("tokenFile") is { } file ? FullPath(file) : null,
        };
    }

    /// <summary>Null for none.</summary>
    private static Secret? ReadToken(YamlFields? user)
    {
        // A block of text ends with a line feed.
        if (user?.Text("token")?.Trim() is not { Length: > 0 } token) return null;
        return token.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? throw new FormatException("has spaces or characters in users.user.token that no token has")
            : new Secret(token);
    }

    private Result<Uri> ParseServer(YamlFields cluster, bool usesTls)
    {
        if (apiUrl.Length > 0) return ServerAddress.Parse(apiUrl, usesTls).WithErrorPrefix("is used with --kube-api-url ");
        return cluster.Text("server") is { } server
            ? ServerAddress.Parse(server, usesTls).WithErrorPrefix("cluster.server: ")
            : Result.Failure("has no server for its cluster; add one, or give --kube-api-url");
    }

    private static Result<ProxyAddress> ParseProxy(YamlFields cluster)
    {
        if (cluster.Text("proxy-url") is not { } text) return new ProxyAddress(null);
        return Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" or "socks5"
            ? new ProxyAddress(address)
            : Result.Failure($"has proxy-url \"{Redaction.Endpoints(text)}\", which is not http://, https:// or socks5://host:port");
    }

    /// <summary>The content in the kubeconfig, <c>NAME-data</c>, has precedence over the file, <c>NAME</c>.</summary>
    private TlsInput Input(YamlFields? fields, string name)
    {
        var dataName = $"{name}-data";
        if (fields?.Text(dataName) is { } data) return new TlsInput($"{source} {dataName}", Text: Decode(dataName, data));
        return new TlsInput($"{source} {name}", fields?.Text(name) is { } file ? FullPath(file) : null);
    }

    private static Secret Decode(string name, string base64)
    {
        try
        {
            return new Secret(Convert.FromBase64String(base64));
        }
        catch (FormatException e)
        {
            throw new FormatException($"has no base64 in {name}", e);
        }
    }

    private string FullPath(string file) => Path.GetFullPath(file, Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");

    /// <summary>The content of the entry with a name, in a list such as <c>clusters</c>.</summary>
    private static YamlFields? Named(YamlFields root, string list, string content, string name) =>
        root.List(list).FirstOrDefault(entry => entry.Text("name") == name)?.Map(content);

    private static string Quoted(string name) => $"\"{Redaction.Value(PrintableText.Of(name))}\"";

    /// <param name="Address">Null for the proxy of the environment.</param>
    private sealed record ProxyAddress(Uri? Address);
}
