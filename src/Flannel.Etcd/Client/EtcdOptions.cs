using System.Net;
using Flannel.Core;

namespace Flannel.Etcd.Client;

/// <summary>How etcd is reached: the <c>etcd-…</c> flags, checked.</summary>
public sealed record EtcdOptions
{
    private const int DefaultPort = 2379;
    private const string UserAdvice = "use --etcd-username and --etcd-password-file";

    private EtcdOptions(IReadOnlyList<Uri> endpoints) => Endpoints = endpoints;

    /// <summary>Scheme, host and port of each member, at least one.</summary>
    public IReadOnlyList<Uri> Endpoints { get; }

    /// <summary>PEM file of the authorities that may sign the members' certificates; null for the system's.</summary>
    public string? CaFile { get; private init; }

    /// <summary>PEM file of this client's certificate, and of those between it and the authority; null for none.</summary>
    public string? CertFile { get; private init; }

    public string? KeyFile { get; private init; }

    public string? UserName { get; private init; }

    public Secret? Password { get; private init; }

    /// <summary>Where the password is read for each authentication, in place of <see cref="Password"/>; null: it does not change.</summary>
    public PasswordFile? PasswordFile { get; init; }

    /// <summary>The addresses of a name; a test may answer in the name service's place.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } =
        static (name, cancellation) => Dns.GetHostAddressesAsync(name, cancellation);

    /// <summary>Endpoints that are spoken to in clear text over a network: worth a warning.</summary>
    public IEnumerable<Uri> OpenToTheNetwork => Endpoints.Where(endpoint => endpoint.Scheme == Uri.UriSchemeHttp && !endpoint.IsLoopback);

    /// <param name="endpoints">As in the flag: separated by commas. Empty parts are skipped.</param>
    /// <param name="userName">May hold the password behind a colon, if <paramref name="password"/> is not given.</param>
    /// <param name="error">One line for the user, when the answer is null.</param>
    public static EtcdOptions? Create(
        string endpoints, string? caFile, string? certFile, string? keyFile, string? userName, Secret? password, out string error)
    {
        var uris = new List<Uri>();
        // Read as one text first: a comma may be a part of a password, and then no part of the text may be shown by itself.
        if (endpoints.Contains('@'))
        {
            error = $"\"{Redaction.Endpoints(endpoints)}\" holds a user; {UserAdvice}";
            return null;
        }

        foreach (var part in endpoints.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            (var uri, error) = Endpoint.Parse(part, UserAdvice);
            if (uri is null) return null;
            // etcd's port, not http's, when none is given.
            uris.Add(uri.IsDefaultPort && !HasPort(part) ? new UriBuilder(uri) { Port = DefaultPort }.Uri : uri);
        }

        if (uris.Count == 0)
        {
            error = "no etcd endpoint given";
            return null;
        }

        if (Empty(certFile) != Empty(keyFile))
        {
            error = Empty(certFile)
                ? "etcd-keyfile is given without etcd-certfile: a client certificate needs both"
                : "etcd-certfile is given without etcd-keyfile: a client certificate needs both";
            return null;
        }

        if (!Empty(userName) && password is null && userName!.IndexOf(':') is var colon and >= 0)
        {
            password = new Secret(userName[(colon + 1)..]);
            userName = userName[..colon];
        }

        if (Empty(userName) != (password is null || password.IsEmpty))
        {
            error = Empty(userName)
                ? "an etcd password is given without etcd-username: name the user that it belongs to"
                : "etcd-username is given without a password: give etcd-password-file";
            return null;
        }

        error = "";
        return new EtcdOptions(uris)
        {
            CaFile = Empty(caFile) ? null : caFile,
            CertFile = Empty(certFile) ? null : certFile,
            KeyFile = Empty(keyFile) ? null : keyFile,
            UserName = Empty(userName) ? null : userName,
            Password = Empty(userName) ? null : password,
        };
    }

    /// <summary>Never the password.</summary>
    public override string ToString() => string.Join(',', Endpoints.Select(endpoint => endpoint.GetLeftPart(UriPartial.Authority)));

    private static bool Empty(string? text) => string.IsNullOrEmpty(text);

    private static bool HasPort(string text)
    {
        var authority = text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3).TrimEnd('/');
        return authority.LastIndexOf(':') is var colon && colon > authority.LastIndexOf(']');
    }
}
