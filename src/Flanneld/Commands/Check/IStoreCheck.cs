using Flannel.Core.Configuration;
using Flannel.Core.Leases;

namespace Flanneld.Commands.Check;

/// <summary>What the check knows of one kind of cluster store.</summary>
internal interface IStoreCheck
{
    /// <summary>Reported as unknown if the part takes too long.</summary>
    CheckKind Kind { get; }

    TimeSpan Limit { get; }

    /// <summary>Reports the servers of the store, and what this program may do there.</summary>
    /// <returns>Whether one responds.</returns>
    Task<bool> CheckServersAsync(CheckSection results, CancellationToken cancellation);

    /// <summary>Reports what the store has about this node, besides its lease.</summary>
    /// <param name="config">Null without a configuration that this build supports.</param>
    Task CheckNodeAsync(CheckSection results, NetworkConfig? config, CancellationToken cancellation);

    /// <summary>What to do about a request that failed.</summary>
    string AdviceFor(SubnetManagerException error);
}
