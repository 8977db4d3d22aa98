using Flannel.AliCloud;
using Flannel.AliCloud.Http;
using Flannel.RouteController.Planning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.RouteController.Infrastructure;

/// <summary>What every part of one VPC's reconciler needs.</summary>
/// <param name="Random">Used by the VPC's own loop alone: it is not thread-safe.</param>
internal sealed record VpcContext(VpcId Vpc, ICloudApi Api, TimeProvider Time, Random Random, ILogger Log)
{
    /// <summary>Of the VPC's writes in earlier terms and in this one.</summary>
    public TransitionTime TransitionTime { get; init; } = new();

    /// <summary>See <see cref="RouteControllerOptions.EntriesPerPage"/>.</summary>
    public int EntriesPerPage { get; init; } = CloudLimits.EntriesPerPage;

    /// <summary>Receives the plans of the passes.</summary>
    public ILogger PlanLog { get; init; } = NullLogger.Instance;

    public string RegionId => Vpc.RegionId;
}
