using Flannel.AliCloud.Http;
using Flannel.Core;

namespace Flannel.AliCloud.Metadata;

/// <summary>Endpoint and time limits of the metadata service. It is one hop away, so a longer wait is useless.</summary>
public sealed record MetadataOptions
{
    public static readonly Uri DefaultEndpoint = new("http://100.100.100.200");

    public Uri Endpoint { get; init; } = DefaultEndpoint;

    /// <summary><c>ALIBABA_CLOUD_IMDSV1_DISABLED=true</c>: requests without a token are forbidden.</summary>
    public bool TokenOnly { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For one request, from its start to the last byte of the response.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a request is repeated after HTTP 429 or 5xx: the service has a rate limit.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>The pause before the first retry. Later pauses are longer.</summary>
    public TimeSpan FirstRetryPause { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <param name="text">The value of <c>--metadata-endpoint</c>: <c>http://host[:port]</c>.</param>
    /// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
    /// <returns>A failure is one line that follows the option's name and a colon.</returns>
    public static Result<MetadataOptions> Parse(string text, Func<string, string?> environment)
    {
        var parsed = Core.Endpoint.Parse(text);
        if (!parsed.Ok) return Result.Failure(parsed.Error);
        return new MetadataOptions
        {
            Endpoint = parsed.Value,
            TokenOnly = SdkEnvironment.IsTrue(environment, SdkEnvironment.PlainMetadataDisabled),
        };
    }
}
