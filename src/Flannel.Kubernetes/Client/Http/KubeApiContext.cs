using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>What the client of the Kubernetes API uses of its program.</summary>
public sealed record KubeApiContext
{
    /// <summary>Version of the program, for the header <c>User-Agent</c>.</summary>
    public required string ProgramVersion { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>Null for none.</summary>
    public IKubeObserver? Observer { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>For the length of watches. Thread-safe by a lock on this object.</summary>
    public required Random Random { get; init; }

    /// <summary>As the user agents of Kubernetes' own programs are, such as <c>flanneld/1.0.0 (linux/amd64)</c>: administrators find them
    /// in audit logs.</summary>
    internal string UserAgent => $"flanneld/{ProgramVersion} (linux/{Architecture})";

    private static string Architecture => RuntimeInformation.ProcessArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        var other => other.ToString().ToLowerInvariant(),
    };
}
