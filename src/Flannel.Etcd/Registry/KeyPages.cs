using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.Etcd.Client;

namespace Flannel.Etcd.Registry;

/// <summary>Reads ranges of many keys in several requests, so that no response is too large.</summary>
internal static class KeyPages
{
    private const int PageSize = 4096;

    /// <param name="request">Names the range. Its key and limit are set here.</param>
    /// <param name="isOneRevision">Whether all pages are read at the revision of the first, as one request would.</param>
    /// <exception cref="EtcdException">etcd is unavailable or rejects the request.</exception>
    public static async IAsyncEnumerable<RangeResponse> ReadAsync(
        IEtcd etcd, RangeRequest request, bool isOneRevision, [EnumeratorCancellation] CancellationToken cancellation)
    {
        request.Limit = PageSize;
        while (true)
        {
            var page = await etcd.RangeAsync(request, cancellation);
            yield return page;
            if (!page.More) yield break;
            request.Key = EtcdKeys.After(page.Kvs[^1].Key);
            if (isOneRevision && request.Revision == 0) request.Revision = page.Header.Revision;
        }
    }
}
