using Flannel.Core;
using Flannel.Core.Tls;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The connections to the API server, with the present credentials: kubeconfig, CA, client certificate and token are read
/// again for each request. Thread-safe.</summary>
internal sealed class ApiConnections(KubeAccessOptions options, ILogger logger) : IDisposable
{
    private readonly Lock gate = new();
    private readonly AccessSource source = new(options, logger);
    private AccessFiles? files;
    private ApiConnection? connection;
    private string? lastReported;

    /// <summary>The API server, for messages; empty before the first <see cref="Begin"/>.</summary>
    public string DisplayName { get; private set; } = "";

    /// <returns>The error is for an operator: there is no usable access.</returns>
    public Result<PreparedRequest> Begin()
    {
        lock (gate)
        {
            var access = source.Current();
            if (!access.Ok) return Result.Failure(access.Error);
            if (!ReferenceEquals(files?.Access, access.Value)) files = new AccessFiles(access.Value, logger);
            var material = files.Tls.Current();
            if (!material.Ok && !KeepsConnection(material.Error)) return Result.Failure(material.Error);
            var current = material.Ok ? Connect(access.Value, material.Value) : connection!;
            return new PreparedRequest(current.Begin(), files.Token.Current());
        }
    }

    /// <summary>The API server does not accept the credentials of a connection: the next request opens a new one. An API server validates a
    /// client certificate for each request, and takes it from the handshake.</summary>
    public void Renew(ApiConnection rejected)
    {
        lock (gate)
        {
            if (!ReferenceEquals(connection, rejected)) return;
            connection = null;
        }

        rejected.Retire();
    }

    public void Dispose()
    {
        lock (gate)
        {
            connection?.Retire();
            connection = null;
        }
    }

    private ApiConnection Connect(ClusterAccess access, TlsMaterial material)
    {
        lastReported = null;
        if (connection is not null && ReferenceEquals(connection.Access, access) && ReferenceEquals(connection.Material, material))
            return connection;
        if (connection is null && DisplayName != access.DisplayName) WarnOfInsecurity(access);
        if (connection is not null) logger.AccessChanged(access.DisplayName);
        var created = ApiConnectionFactory.Create(access, material, options.Environment);
        connection?.Retire();
        connection = created;
        DisplayName = access.DisplayName;
        return created;
    }

    /// <summary>A new kubeconfig may name a file that does not exist yet.</summary>
    private bool KeepsConnection(string problem)
    {
        if (connection is null) return false;
        if (lastReported != problem) logger.FormerContentUsed(problem);
        lastReported = problem;
        return true;
    }

    private void WarnOfInsecurity(ClusterAccess access)
    {
        if (access.Server.Scheme == Uri.UriSchemeHttp && !access.Server.IsLoopback) logger.ClearText(access.DisplayName);
        if (access.IsInsecure) logger.CertificateNotValidated(access.DisplayName);
    }

    /// <summary>The files that one access names.</summary>
    private sealed class AccessFiles(ClusterAccess access, ILogger logger)
    {
        public ClusterAccess Access { get; } = access;

        public TlsFiles Tls { get; } = new(access.Tls, problem => logger.FormerContentUsed(problem));

        public BearerToken Token { get; } = new(access, logger);
    }
}

/// <summary>What one request uses.</summary>
/// <param name="Use">The receiver disposes it after the response.</param>
/// <param name="Token">Empty for none. The error names the file that cannot be used.</param>
internal sealed record PreparedRequest(ApiConnection.Use Use, Result<Secret> Token);
