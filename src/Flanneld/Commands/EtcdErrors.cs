using Flannel.Core;
using Flannel.Etcd.Client;

namespace Flanneld.Commands;

/// <summary>Turns the exceptions of etcd into results of commands. A command sends its requests to etcd through this class only.</summary>
internal static class EtcdErrors
{
    /// <returns>The result of the operation; a failure that begins with <c>etcd:</c> when etcd fails.</returns>
    public static Task<Result<T>> ToResultAsync<T>(Func<Task<Result<T>>> operation) where T : notnull =>
        HandleAsync<Result<T>>(operation, e => Result.Failure(e.Summary));

    /// <returns>The result of the operation; that of <paramref name="onError"/> when etcd fails.</returns>
    public static async Task<T> HandleAsync<T>(Func<Task<T>> operation, Func<EtcdException, T> onError)
    {
        try
        {
            return await operation();
        }
        catch (EtcdException e)
        {
            return onError(e);
        }
    }
}
