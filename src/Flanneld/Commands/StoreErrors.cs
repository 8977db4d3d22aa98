using Flannel.Core;
using Flannel.Core.Leases;

namespace Flanneld.Commands;

/// <summary>Turns the exceptions of the cluster's store into results of commands. A command sends its requests to the store through this
/// class only.</summary>
internal static class StoreErrors
{
    /// <returns>The result of the operation; a failure that begins with the name of the subnet manager when a request fails.</returns>
    public static Task<Result<T>> ToResultAsync<T>(Func<Task<Result<T>>> operation) where T : notnull =>
        HandleAsync<Result<T>>(operation, e => Result.Failure(e.Summary));

    /// <returns>The result of the operation; that of <paramref name="onError"/> when a request fails.</returns>
    public static async Task<T> HandleAsync<T>(Func<Task<T>> operation, Func<SubnetManagerException, T> onError)
    {
        try
        {
            return await operation();
        }
        catch (SubnetManagerException e)
        {
            return onError(e);
        }
    }
}
