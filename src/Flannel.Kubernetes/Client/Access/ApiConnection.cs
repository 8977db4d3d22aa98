using Flannel.Core.Tls;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The connections that use one set of certificates. When these are replaced, new requests use a new object, and this one is
/// disposed when its last request has ended. Thread-safe.</summary>
/// <param name="proxyName">Scheme, host and port of the proxy; null without one.</param>
internal sealed class ApiConnection(
    ClusterAccess access, TlsMaterial material, HttpMessageInvoker http, TlsProblem tlsProblem, string? proxyName)
{
    private readonly Lock gate = new();
    private int users;
    private bool isRetired;

    public ClusterAccess Access { get; } = access;

    public TlsMaterial Material { get; } = material;

    public HttpMessageInvoker Http { get; } = http;

    /// <summary>For messages; null without a proxy.</summary>
    public string? ProxyName { get; } = proxyName;

    /// <summary>Why the server's certificate was rejected last; null if it was not.</summary>
    public string? CertificateProblem => tlsProblem.Text;

    /// <summary>A user of the connections. Disposing it ends the use.</summary>
    public Use Begin()
    {
        lock (gate) users++;
        return new Use(this);
    }

    /// <summary>Takes no further request.</summary>
    public void Retire()
    {
        bool isUnused;
        lock (gate)
        {
            if (isRetired) return;
            isRetired = true;
            isUnused = users == 0;
        }

        if (isUnused) Http.Dispose();
    }

    private void End()
    {
        bool isLast;
        lock (gate)
        {
            users--;
            isLast = isRetired && users == 0;
        }

        if (isLast) Http.Dispose();
    }

    public sealed class Use(ApiConnection connection) : IDisposable
    {
        private bool isDisposed;

        public ApiConnection Connection => connection;

        public void Dispose()
        {
            if (isDisposed) return;
            isDisposed = true;
            connection.End();
        }
    }
}

/// <summary>The problem with a certificate that the last failed handshake found.</summary>
internal sealed class TlsProblem
{
    private volatile string? text;

    public string? Text
    {
        get => text;
        set => text = value;
    }
}
