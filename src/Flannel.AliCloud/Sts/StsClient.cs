using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.Core;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Sts;

/// <summary>The security token service: a role's temporary key for somebody else's key, or for a token of an OIDC provider. Thread-safe. Nothing is
/// opened before the first call: most nodes never make one.</summary>
/// <param name="regionId">Of the network config; null for the instance's.</param>
/// <param name="environment">By name: <c>ALIBABA_CLOUD_STS_REGION</c>.</param>
/// <param name="handler">Null for the real network.</param>
internal sealed class StsClient(
    CloudApiOptions options, string? regionId, Func<string, string?> environment, MetadataClient metadata, CloudClock clock,
    TimeProvider time,
    Random random, ILogger logger, HttpMessageHandler? handler) : IDisposable
{
    private const string DefaultDuration = "3600";

    private readonly Lock gate = new();
    private CloudTransport? transport;

    public void Dispose() => transport?.Dispose();

    /// <param name="source">Whose key signs the call.</param>
    public async Task<ProviderResult> AssumeAsync(AssumedRole role, ICredentialSource source, CancellationToken cancellation)
    {
        var call = CloudCall.OfSts("AssumeRole", await RegionAsync(role, cancellation))
            .With("RoleArn", role.Arn)
            .With("RoleSessionName", role.SessionName)
            .With("DurationSeconds", role.DurationSeconds ?? DefaultDuration)
            .With("ExternalId", role.ExternalId)
            .With("Policy", role.Policy);
        return await SendAsync(call, role, source, cancellation);
    }

    /// <summary>The token itself says who asks: the call is not signed, and carries everything in its body, which no proxy logs.</summary>
    public async Task<ProviderResult> AssumeWithOidcAsync(AssumedRole role, string providerArn, Secret token, CancellationToken cancellation)
    {
        var call = CloudCall.OfSts("AssumeRoleWithOIDC", await RegionAsync(role, cancellation))
            .With("RoleArn", role.Arn)
            .With("OIDCProviderArn", providerArn)
            .With("RoleSessionName", role.SessionName)
            .With("DurationSeconds", role.DurationSeconds ?? DefaultDuration)
            .With("Policy", role.Policy)
            .Proving(token);
        return await SendAsync(call, role, null, cancellation);
    }

    private async Task<ProviderResult> SendAsync(CloudCall call, AssumedRole role, ICredentialSource? source, CancellationToken cancellation)
    {
        using var scope = new CallDeadline(options.CallTimeout, time, cancellation);
        var answer = await Transport().SendAsync(call, CloudResponseJson.Default.AssumedRoleResponse, scope, source);
        if (answer.Error is { } error)
            return new ProviderResult.Failed($"{role.Name}: {call.RamAction} failed: {error.Code}: {error.Message}{error.RequestNote}")
            {
                Denied = source is not null && error.DeniedAction is { } action ? new DeniedRight(action, role.Arn) : null,
            };
        return answer.Value!.Credentials is { } key
            ? TemporaryKey.Read(key, role.Name, clock.Known)
            : new ProviderResult.Failed($"{role.Name}: {call.RamAction} answered without a key (request {answer.RequestId})");
    }

    /// <summary>Empty when it is not known anywhere: STS has a central host, too.</summary>
    private async Task<string> RegionAsync(AssumedRole role, CancellationToken cancellation)
    {
        if ((role.RegionId ?? environment("ALIBABA_CLOUD_STS_REGION")?.Trim()) is { Length: > 0 } given) return given; // one that is none is refused by its name
        if (regionId is not null || options.StsEndpoint is not null) return regionId ?? "";
        return await metadata.GetAsync("meta-data/region-id", cancellation) is MetadataResult.Found { Text: var here } && ResourceIdFormat.IsRegion(here)
            ? here
            : "";
    }

    private CloudTransport Transport()
    {
        lock (gate)
        {
            if (transport is null && options.StsEndpoint is { IsPlain: true } plain) logger.PlainEndpoint("STS", plain.ToString());
            return transport ??= new CloudTransport(options, null, clock, time, random, logger, handler ?? CloudApi.Handler(options));
        }
    }
}
