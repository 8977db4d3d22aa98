using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Sts;

/// <summary>The Security Token Service (2015-04-01): temporary keys of a role, for another key or for an OIDC token. Thread-safe. It opens
/// nothing before the first call: most nodes never assume a role.</summary>
/// <param name="regionId">The region of the network config; null for the instance's region.</param>
/// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
internal sealed class StsClient(
    CloudContext context, string? regionId, Func<string, string?> environment, MetadataClient metadata) : IDisposable
{
    private readonly Lock gate = new();
    private CloudTransport? transport;

    public void Dispose() => transport?.Dispose();

    /// <param name="source">Supplies the key that signs the call.</param>
    public async Task<StsResult> AssumeRoleAsync(AssumedRole role, ICredentialSource source, CancellationToken cancellation)
    {
        var call = CloudCall.Sts("AssumeRole", await RegionOfAsync(role, cancellation))
            .With("RoleArn", role.Arn)
            .With("RoleSessionName", role.SessionName)
            .With("DurationSeconds", role.DurationSeconds)
            .With("ExternalId", role.ExternalId)
            .With("Policy", role.Policy);
        return await SendAsync(call, role, source, cancellation);
    }

    /// <summary>The token authenticates the call: it is not signed. The parameters are in the body, which proxies do not log.</summary>
    public async Task<StsResult> AssumeRoleWithOidcAsync(AssumedRole role, string providerArn, Secret token, CancellationToken cancellation)
    {
        var call = CloudCall.Sts("AssumeRoleWithOIDC", await RegionOfAsync(role, cancellation))
            .With("RoleArn", role.Arn)
            .With("OIDCProviderArn", providerArn)
            .With("RoleSessionName", role.SessionName)
            .With("DurationSeconds", role.DurationSeconds)
            .With("Policy", role.Policy)
            .WithOidcToken(token);
        return await SendAsync(call, role, null, cancellation);
    }

    private async Task<StsResult> SendAsync(CloudCall call, AssumedRole role, ICredentialSource? source, CancellationToken cancellation)
    {
        using var deadline = new CallDeadline(context.Options.CallTimeout, context.Time, cancellation);
        var result = await Transport().SendAsync(call, StsJson.Default.AssumedRoleResponse, deadline, source);
        if (result.Error is { } error)
        {
            // An unsigned call has no key that lacks the permission.
            var missing = source is not null && error.DeniedAction is { } action ? new MissingRamAction(action, role.Arn) : null;
            return new StsResult.Failed($"{role.Name}: {call.RamAction} failed: {error.Code}: {error.Message}{error.RequestNote}", missing);
        }

        if (result.Value!.Credentials is not { } response)
            return new StsResult.Failed($"{role.Name}: {call.RamAction} returned no key (request {result.RequestId})", null);
        var key = TemporaryKey.Create(response, role.Name, context.Clock.TrustedTime);
        return key.Ok ? new StsResult.Assumed(key.Value) : new StsResult.Failed(key.Error, null);
    }

    /// <returns>Empty if the region is unknown: STS also has a central host. An invalid region becomes an error of the call.</returns>
    private async Task<string> RegionOfAsync(AssumedRole role, CancellationToken cancellation)
    {
        if ((role.RegionId ?? environment(SdkEnvironment.StsRegion)?.Trim()) is { Length: > 0 } configured) return configured;
        if (regionId is not null || context.Options.StsEndpoint is not null) return regionId ?? "";
        var instanceRegion = await metadata.GetAsync("meta-data/region-id", cancellation);
        return instanceRegion is MetadataResult.Found { Text: var id } && ResourceIdFormat.IsRegionId(id) ? id : "";
    }

    private CloudTransport Transport()
    {
        lock (gate) return transport ??= new CloudTransport(context, null);
    }
}
