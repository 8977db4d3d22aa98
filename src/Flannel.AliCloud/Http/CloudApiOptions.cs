using System.Net;

namespace Flannel.AliCloud.Http;

/// <summary>Endpoints and time limits of the API. The limits are generous: a batch of writes takes seconds, and a dead connection is
/// rare.</summary>
public sealed record CloudApiOptions
{
    /// <summary>Null: the region's VPC-internal host, then its public host.</summary>
    public CloudEndpoint? VpcEndpoint { get; init; }

    /// <summary>Null: as for <see cref="VpcEndpoint"/>.</summary>
    public CloudEndpoint? EcsEndpoint { get; init; }

    /// <summary>Null: as for <see cref="VpcEndpoint"/>.</summary>
    public CloudEndpoint? StsEndpoint { get; init; }

    /// <summary>Null: Alibaba Cloud's host, or no Quotas API at all if <see cref="VpcEndpoint"/> is set (the VPC API is then a
    /// substitute).</summary>
    public CloudEndpoint? QuotasEndpoint { get; init; }

    /// <summary>The region of all calls (<c>Backend.RegionID</c>); null for the region that the caller names.</summary>
    public string? RegionId { get; init; }

    /// <summary>Version of the program, for the header <c>User-Agent</c>.</summary>
    public required string ProgramVersion { get; init; }

    /// <summary>From name resolution to the end of the TLS handshake.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Limit of the name resolution, a part of <see cref="ConnectTimeout"/>.</summary>
    public TimeSpan NameTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>For one request, from its start to the last byte of the response.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For a call with its retries and pages.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes. A larger response is an error.</summary>
    public int MaxResponseBytes { get; init; } = 8 << 20;

    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;

    /// <summary>The configured endpoint of a service; null for the region's hosts.</summary>
    internal CloudEndpoint? Endpoint(CloudService service) => service switch
    {
        CloudService.Vpc => VpcEndpoint,
        CloudService.Ecs => EcsEndpoint,
        CloudService.Sts => StsEndpoint,
        _ => QuotasEndpoint,
    };
}
