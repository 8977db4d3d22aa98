using Flannel.AliCloud.Http;
using Flannel.Core;

namespace Flannel.AliCloud.Ecs;

/// <summary>Reads and changes network interfaces with the ECS API (2014-05-26).</summary>
internal sealed class EcsApi(ApiClient client)
{
    public async Task<CloudResult<IReadOnlyList<NetworkInterface>>> ListNetworkInterfacesAsync(
        string regionId, IReadOnlyList<string> networkInterfaceIds, CancellationToken cancellation)
    {
        using var deadline = client.StartDeadline(cancellation);
        List<NetworkInterface> all = [];
        var requestId = "";
        foreach (var ids in networkInterfaceIds.Distinct(StringComparer.Ordinal).Chunk(CloudLimits.InterfacesPerCall))
        {
            // By token: page numbers are deprecated. The default page size is 10, also when ids are given.
            var part = await client.ListByTokenAsync<InterfaceListResponse, NetworkInterface>(
                () => client.Read("DescribeNetworkInterfaces", regionId)
                    .With("MaxResults", CloudLimits.InterfacesPerCall).With("NetworkInterfaceId", ids),
                EcsJson.Default.InterfaceListResponse, response => response.NextToken,
                response => response.NetworkInterfaceSets is { } set ? ApiClient.Present(set.NetworkInterfaceSet).Select(Convert) : null,
                beforePage: null, deadline);
            if (!part.Ok) return part;
            all.AddRange(part.Value!);
            requestId = part.RequestId;
        }

        return CloudResult.Success<IReadOnlyList<NetworkInterface>>(all, requestId);
    }

    public async Task<CloudResult<Unit>> DisableSourceDestCheckAsync(
        string regionId, string networkInterfaceId, CancellationToken cancellation)
    {
        var call = client.Write("ModifyNetworkInterfaceAttribute", regionId)
            .With("NetworkInterfaceId", networkInterfaceId).With("SourceDestCheck", false);
        var result = await client.SendAsync(call, HttpJson.Default.CloudResponse, cancellation);
        return result.WithoutValue();
    }

    private static NetworkInterface Convert(InterfaceListResponse.Interface item) =>
        new(item.NetworkInterfaceId ?? "", item.SourceDestCheck);
}
