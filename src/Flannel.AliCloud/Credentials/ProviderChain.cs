using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>The outcome of trying the providers.</summary>
/// <param name="Key">Null if no provider supplied a key.</param>
/// <param name="Provider">The provider of the key, or of the key that assumed the role; null without one.</param>
/// <param name="Origin">The origin of <paramref name="Key"/> for messages; empty without a key.</param>
/// <param name="Providers">What each provider returned, and last the role to assume.</param>
internal sealed record ProviderChainResult(
    AccessKey? Key, ICredentialProvider? Provider, string Origin, IReadOnlyList<CredentialProviderStatus> Providers);

/// <summary>Tries the credential providers in their order, and assumes the configured role with the first key.</summary>
/// <param name="providers">In descending precedence.</param>
/// <param name="role">Null to use the key itself.</param>
/// <param name="sts">Null only if there is no role.</param>
internal sealed class ProviderChain(IReadOnlyList<ICredentialProvider> providers, AssumedRole? role, StsClient? sts, CloudClock clock)
{
    public async Task<ProviderChainResult> FetchAsync(CancellationToken cancellation)
    {
        List<CredentialProviderStatus> statuses = [];
        AccessKey? key = null;
        ICredentialProvider? used = null;
        var hasEnded = false;
        foreach (var provider in providers)
        {
            if (hasEnded)
            {
                statuses.Add(new CredentialProviderStatus(provider.Name, CredentialProviderState.NotTried, ""));
                continue;
            }

            var result = await provider.FetchAsync(cancellation);
            var status = StatusOf(provider, result);
            statuses.Add(status);
            hasEnded = status.EndsChain;
            if (status.State == CredentialProviderState.Used) (key, used) = (((ProviderResult.Found)result).Key, provider);
        }

        return role is null
            ? new ProviderChainResult(key, used, used?.Name ?? "", statuses)
            : await AssumeRoleAsync(role, key, used, statuses, cancellation);
    }

    private CredentialProviderStatus StatusOf(ICredentialProvider provider, ProviderResult result)
    {
        switch (result)
        {
            // A key from a file that was not replaced in time.
            case ProviderResult.Found { Key: { Expiration: { } end } key } when clock.TrustedTime is { } now && !key.IsValidAt(now):
                return new(provider.Name, CredentialProviderState.Failed, TemporaryKey.ExpiredMessage(provider.Name, end, now));
            case ProviderResult.Found found:
                return new(provider.Name, CredentialProviderState.Used, found.Key.ToString());
            case ProviderResult.Failed failed:
                return new(provider.Name, CredentialProviderState.Failed, failed.Reason)
                {
                    Denied = failed.Denied,
                    IsImplicit = failed.IsImplicit,
                };
            case ProviderResult.NotConfigured notConfigured:
                var state = notConfigured.IsDisabled ? CredentialProviderState.Disabled : CredentialProviderState.NotConfigured;
                return new(provider.Name, state, notConfigured.Reason);
            default:
                throw new InvalidOperationException($"unknown result of {provider.Name}");
        }
    }

    private async Task<ProviderChainResult> AssumeRoleAsync(
        AssumedRole assumed, AccessKey? key, ICredentialProvider? provider, List<CredentialProviderStatus> statuses,
        CancellationToken cancellation)
    {
        if (key is null || provider is null)
        {
            statuses.Add(new CredentialProviderStatus(assumed.Name, CredentialProviderState.NotTried, ""));
            return new ProviderChainResult(null, null, "", statuses);
        }

        switch (await sts!.AssumeRoleAsync(assumed, new ProviderSource(provider, key), cancellation))
        {
            case StsResult.Assumed { Key: var roleKey }:
                statuses.Add(new CredentialProviderStatus(assumed.Name, CredentialProviderState.Used, roleKey.ToString()));
                return new ProviderChainResult(roleKey, provider, $"{assumed.Name} with the key of {provider.Name}", statuses);
            case StsResult.Failed failed:
                statuses.Add(new CredentialProviderStatus(assumed.Name, CredentialProviderState.Failed, failed.Reason)
                {
                    Denied = failed.Missing,
                });
                return new ProviderChainResult(null, provider, "", statuses);
            default:
                throw new InvalidOperationException("unknown result of STS");
        }
    }
}
