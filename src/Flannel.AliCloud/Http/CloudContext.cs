using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Http;

/// <summary>What the parts of the client share. All members are thread-safe or locked where they are used.</summary>
/// <param name="Random">Source of nonces and jitter. Do not seed it in production: two processes must not send the same nonce.</param>
public sealed record CloudContext(CloudApiOptions Options, TimeProvider Time, Random Random, ILogger Logger)
{
    /// <summary>The cloud's time. One clock for the API and the credentials: the expiration of a key is compared with the time that
    /// responses carry.</summary>
    public CloudClock Clock { get; init; } = new(Time);

    /// <summary>Receives the results of requests.</summary>
    public ICloudObserver Observer { get; init; } = NoCloudObserver.Instance;

    /// <summary>Replaces the network, for tests; null for the real network.</summary>
    public HttpMessageHandler? Handler { get; init; }
}
