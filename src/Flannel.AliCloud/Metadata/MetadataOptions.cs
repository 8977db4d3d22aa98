using Flannel.AliCloud.Credentials;
using Flannel.Core;

namespace Flannel.AliCloud.Metadata;

/// <summary>How the metadata service is reached. It is one hop away: what takes seconds is not there.</summary>
public sealed record MetadataOptions
{
    public static readonly Uri DefaultEndpoint = new("http://100.100.100.200");

    public Uri Endpoint { get; init; } = DefaultEndpoint;

    /// <summary><c>ALIBABA_CLOUD_IMDSV1_DISABLED=true</c>: never ask without a token.</summary>
    public bool TokenOnly { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>For one request, from its start to the last byte of its answer.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a request is repeated after 429 or 5xx: the service limits the rate.</summary>
    public int Repetitions { get; init; } = 3;

    /// <summary>The first pause before a repetition; it grows.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <param name="text">The value of <c>--metadata-endpoint</c>: <c>http://host[:port]</c>.</param>
    /// <param name="environment">By name; null where a variable is not set.</param>
    /// <param name="error">One line that follows the option's name and a colon, when the answer is null.</param>
    public static MetadataOptions? Parse(string text, Func<string, string?> environment, out string error)
    {
        (var address, error) = Core.Endpoint.Parse(text);
        if (address is null) return null;
        return new MetadataOptions
        {
            Endpoint = address,
            TokenOnly = EnvironmentFlag.IsOn(environment("ALIBABA_CLOUD_IMDSV1_DISABLED")),
        };
    }
}
