using System.Net;
using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>How the cloud's API is reached. Time-outs are generous: a batch of writes is slow, a dead connection is rare.</summary>
public sealed record CloudApiOptions
{
    /// <summary>Null: the region's VPC-internal host, then its public one.</summary>
    public CloudEndpoint? VpcEndpoint { get; init; }

    /// <summary>Null: as for <see cref="VpcEndpoint"/>.</summary>
    public CloudEndpoint? EcsEndpoint { get; init; }

    /// <summary>Null: as for <see cref="VpcEndpoint"/>.</summary>
    public CloudEndpoint? StsEndpoint { get; init; }

    /// <summary>Null: the real one, unless <see cref="VpcEndpoint"/> is given: then this is no place to ask Alibaba Cloud for quotas.</summary>
    public CloudEndpoint? QuotasEndpoint { get; init; }

    /// <summary>The region that every call goes to, of <c>Backend.RegionID</c>; null for the region that the caller names (that of the
    /// instance, by its metadata).</summary>
    public string? RegionId { get; init; }

    /// <summary>Of this program, for the user agent.</summary>
    public required string ProgramVersion { get; init; }

    /// <summary>From the host's name to the end of the TLS handshake.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Of <see cref="ConnectTimeout"/>, what the name service may take.</summary>
    public TimeSpan NameTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For one request, from its start to the last byte of its answer.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For a whole call with its repetition and its pages.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A larger answer is no answer.</summary>
    public int LargestAnswer { get; init; } = 8 << 20;

    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = (host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation);

    /// <summary>Where a service was told to be; null for the region's own hosts.</summary>
    internal CloudEndpoint? Endpoint(CloudService service) => service switch
    {
        CloudService.Vpc => VpcEndpoint,
        CloudService.Ecs => EcsEndpoint,
        CloudService.Sts => StsEndpoint,
        _ => QuotasEndpoint,
    };
}
