using Flannel.Core.Leases;

namespace Flanneld.Commands.Check;

/// <summary>What the check knows of one kind of cluster store.</summary>
internal interface IStoreCheck
{
    /// <summary>Reports the servers of the store.</summary>
    /// <returns>Whether one responds.</returns>
    Task<bool> CheckServersAsync(CheckSection results, CancellationToken cancellation);

    /// <summary>What to do about a request that failed.</summary>
    string AdviceFor(SubnetManagerException error);
}
