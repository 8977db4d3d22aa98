using System.Collections.Concurrent;
using Flannel.AliCloud.Tests.Support;
using Flannel.Kubernetes.Client;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Http;

namespace Flannel.Kubernetes.Tests.Client.Support;

/// <summary>Creates clients of the API for tests.</summary>
internal static class Clients
{
    public const string Token = "token-of-the-test";

    /// <summary>A client of a stub, with a token.</summary>
    public static KubeApi Of(StubApiServer server, ClientParts? parts = null) =>
        Of(new KubeAccessOptions { KubeconfigFile = server.WriteKubeconfig($"token: {Token}"), Environment = _ => null }, parts);

    public static KubeApi Of(KubeAccessOptions access, ClientParts? parts = null)
    {
        var api = KubeApi.Create(access, (parts ?? new ClientParts()).Context);
        return api.Ok ? api.Value : throw new InvalidOperationException(api.Error);
    }
}

/// <summary>What a client uses, for the test to read.</summary>
internal sealed class ClientParts
{
    public RecordingLogger Logger { get; } = new();

    /// <summary>The lines of the log, as in <c>6000 text</c>.</summary>
    public IReadOnlyList<string> Logged => [.. Logger.Lines.Select(line => $"{line.Id} {line.Text}")];

    public RecordingObserver Observer { get; } = new();

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public KubeApiContext Context => new()
    {
        ProgramVersion = "1.2.3",
        Logger = Logger,
        Observer = Observer,
        Time = Time,
        Random = new Random(1),
    };
}

/// <summary>Keeps what the client reports.</summary>
internal sealed class RecordingObserver : IKubeObserver
{
    private readonly ConcurrentQueue<string> requests = new();
    private int interruptions;

    /// <summary>As in <c>get nodes 200</c>.</summary>
    public IReadOnlyList<string> Requests => [.. requests];

    public int Interruptions => Volatile.Read(ref interruptions);

    public void RequestEnded(string verb, string resource, int httpStatus, TimeSpan duration) =>
        requests.Enqueue($"{verb} {resource} {httpStatus}");

    public void WatchInterrupted() => Interlocked.Increment(ref interruptions);
}
