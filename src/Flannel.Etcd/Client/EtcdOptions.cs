using System.Net;
using Flannel.Core;
using Flannel.Core.Tls;

namespace Flannel.Etcd.Client;

/// <summary>The connection to etcd: the <c>etcd-…</c> flags, checked. Immutable.</summary>
public sealed record EtcdOptions
{
    private const int DefaultPort = 2379;
    private const string UserAdvice = "use --etcd-username and --etcd-password-file";

    private EtcdOptions(IReadOnlyList<Uri> endpoints) => Endpoints = endpoints;

    /// <summary>Scheme, host and port of each member, at least one.</summary>
    public IReadOnlyList<Uri> Endpoints { get; }

    /// <summary>PEM file of the authorities that sign the members' certificates; null for the system's.</summary>
    public string? CaFile { get; private init; }

    /// <summary>PEM file of this client's certificate and its intermediate certificates; null for none.</summary>
    public string? CertFile { get; private init; }

    public string? KeyFile { get; private init; }

    public string? UserName { get; private init; }

    public Secret? Password { get; private init; }

    /// <summary>The file from which the password is read for each authentication, in place of <see cref="Password"/>; null for
    /// none.</summary>
    public PasswordFile? PasswordFile { get; init; }

    /// <summary>What to do if no member is available, for the end of the error; null for nothing.</summary>
    public string? Advice { get; init; }

    /// <summary>Resolves a host name. Tests replace it.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } =
        static (name, cancellation) => Dns.GetHostAddressesAsync(name, cancellation);

    /// <summary>The files for TLS, with the names of their flags.</summary>
    internal TlsSettings Tls =>
        new("etcd", new TlsInput("etcd-cafile", CaFile), new TlsInput("etcd-certfile", CertFile), new TlsInput("etcd-keyfile", KeyFile));

    /// <summary>Endpoints whose traffic crosses a network in clear text.</summary>
    public IEnumerable<Uri> ClearTextEndpoints =>
        Endpoints.Where(endpoint => endpoint.Scheme == Uri.UriSchemeHttp && !endpoint.IsLoopback);

    /// <param name="endpoints">As in the flag: separated by commas. Empty parts are skipped.</param>
    /// <param name="userName">May contain the password after a colon, if <paramref name="password"/> is not given.</param>
    public static Result<EtcdOptions> Create(
        string endpoints, string? caFile = null, string? certFile = null, string? keyFile = null, string? userName = null,
        Secret? password = null)
    {
        var uris = ParseEndpoints(endpoints);
        if (!uris.Ok) return Result.Failure(uris.Error);
        if (IsEmpty(certFile) != IsEmpty(keyFile))
        {
            return Result.Failure(IsEmpty(certFile)
                ? "etcd-keyfile is given without etcd-certfile: a client certificate needs both"
                : "etcd-certfile is given without etcd-keyfile: a client certificate needs both");
        }

        if (!IsEmpty(userName) && password is null && userName!.IndexOf(':') is var colon and >= 0)
        {
            password = new Secret(userName[(colon + 1)..]);
            userName = userName[..colon];
        }

        if (IsEmpty(userName) != (password is null || password.IsEmpty))
        {
            return Result.Failure(IsEmpty(userName)
                ? "an etcd password is given without etcd-username: name the user that it belongs to"
                : "etcd-username is given without a password: give etcd-password-file");
        }

        return new EtcdOptions(uris.Value)
        {
            CaFile = IsEmpty(caFile) ? null : caFile,
            CertFile = IsEmpty(certFile) ? null : certFile,
            KeyFile = IsEmpty(keyFile) ? null : keyFile,
            UserName = IsEmpty(userName) ? null : userName,
            Password = IsEmpty(userName) ? null : password,
        };
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => string.Join(',', Endpoints.Select(endpoint => endpoint.GetLeftPart(UriPartial.Authority)));

    private static Result<List<Uri>> ParseEndpoints(string endpoints)
    {
        // The whole text first: a comma may be a part of a password, and then no part may be printed.
        if (endpoints.Contains('@')) return Result.Failure($"\"{Redaction.Endpoints(endpoints)}\" holds a user; {UserAdvice}");
        var uris = new List<Uri>();
        foreach (var part in endpoints.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var parsed = Endpoint.Parse(part, UserAdvice);
            if (!parsed.Ok) return Result.Failure(parsed.Error);
            var uri = parsed.Value;
            // Without a port, etcd's default, not http's.
            uris.Add(uri.IsDefaultPort && !HasPort(part) ? new UriBuilder(uri) { Port = DefaultPort }.Uri : uri);
        }

        return uris.Count == 0 ? Result.Failure("no etcd endpoint given") : uris;
    }

    private static bool IsEmpty(string? text) => string.IsNullOrEmpty(text);

    private static bool HasPort(string text)
    {
        var authority = text.AsSpan(text.IndexOf("://", StringComparison.Ordinal) + 3).TrimEnd('/');
        return authority.LastIndexOf(':') is var colon && colon > authority.LastIndexOf(']');
    }
}
