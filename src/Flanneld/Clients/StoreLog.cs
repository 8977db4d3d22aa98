using Microsoft.Extensions.Logging;

namespace Flanneld.Clients;

/// <summary>Event ids 1123 and 1142: the route controller's requests to the cluster's store. An id is never reused for another
/// meaning.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(
        1123, LogLevel.Error,
        "{Key} is not the id of a cluster, no route is written: delete it, and the route controller creates a new id")]
    public static partial void ClusterIdUnreadable(ILogger logger, string key);

    [LoggerMessage(1142, LogLevel.Warning, "{Manager} rejected a request of the route controller: {Reason}; continuing without its result")]
    public static partial void RequestRejected(ILogger logger, string manager, string reason);
}
