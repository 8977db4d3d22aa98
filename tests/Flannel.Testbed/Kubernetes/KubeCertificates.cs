using System.Buffers.Text;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Flannel.Testbed.Kubernetes;

/// <summary>The files with which kube-apiserver authenticates itself and its clients.</summary>
internal sealed class KubeCertificates : IDisposable
{
    private readonly TestCertificateAuthority authority;
    private readonly CertificateFiles server;
    private readonly CertificateFiles accounts;
    private readonly CertificateFiles client;
    private readonly string tokenFile;

    /// <param name="address">The address of the API server.</param>
    public KubeCertificates(string folder, string address)
    {
        authority = new TestCertificateAuthority(folder);
        server = authority.Issue("kube-apiserver", address, "localhost", "kubernetes.default.svc");
        accounts = authority.Issue("service-accounts");
        client = authority.Issue("test-bed");
        tokenFile = Path.Combine(folder, "tokens.csv");
        File.WriteAllText(tokenFile, $"{AdminToken},admin,admin,system:masters\n");
    }

    public string AuthorityFile => authority.CertificateFile;

    public string AdminToken { get; } = RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>The arguments of kube-apiserver.</summary>
    public IEnumerable<string> Arguments =>
    [
        $"--tls-cert-file={server.Certificate}", $"--tls-private-key-file={server.Key}",
        $"--client-ca-file={AuthorityFile}", $"--token-auth-file={tokenFile}",
        $"--service-account-key-file={accounts.Certificate}", $"--service-account-signing-key-file={accounts.Key}",
    ];

    public CertificateFiles IssueClient(string user) => authority.Issue(user);

    /// <summary>Without a client certificate.</summary>
    public SslClientAuthenticationOptions ClientOptions()
    {
        var options = authority.ClientOptions(client);
        options.ClientCertificates = null;
        return options;
    }

    /// <summary>A token as the TokenRequest API issues it.</summary>
    public string SignToken(string namespaceName, string account, string uid, TimeSpan lifetime)
    {
        var now = DateTimeOffset.UtcNow;
        var claims = new JsonObject
        {
            ["iss"] = KubeApiServer.TokenIssuer,
            ["aud"] = new JsonArray(KubeApiServer.TokenIssuer),
            ["sub"] = $"system:serviceaccount:{namespaceName}:{account}",
            ["nbf"] = now.AddMinutes(-1).ToUnixTimeSeconds(),
            ["iat"] = now.AddMinutes(-1).ToUnixTimeSeconds(),
            ["exp"] = (now + lifetime).ToUnixTimeSeconds(),
            ["kubernetes.io"] = new JsonObject
            {
                ["namespace"] = namespaceName,
                ["serviceaccount"] = new JsonObject { ["name"] = account, ["uid"] = uid },
            },
        };
        var signed = $"{Encode("""{"alg":"ES256"}""")}.{Encode(claims.ToJsonString())}";
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(accounts.Key));
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    public void Dispose() => authority.Dispose();

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
