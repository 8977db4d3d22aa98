using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>One pass over the links: the first key that is found, and the role that it then assumes.</summary>
/// <param name="providers">In the order of their claim.</param>
/// <param name="role">Assumed with the found key; null for none.</param>
internal sealed class CredentialSearch(IReadOnlyList<ICredentialProvider> providers, AssumedRole? role, StsClient? sts, CloudClock clock)
{
    public async Task<CredentialSearchResult> WalkAsync(CancellationToken cancellation)
    {
        List<CredentialLink> links = [];
        AccessKey? key = null;
        ICredentialProvider? from = null;
        var ended = false;
        foreach (var provider in providers)
        {
            if (ended)
            {
                links.Add(new CredentialLink(provider.Name, CredentialLinkState.NotAsked, ""));
                continue;
            }

            switch (await provider.FetchAsync(cancellation))
            {
                case ProviderResult.Found { Key: { Expiration: { } end } expired } when clock.Known is { } now && !expired.IsAlive(now):
                    // Of a file that nobody replaced.
                    ended = true;
                    links.Add(new CredentialLink(
                        provider.Name, CredentialLinkState.Failed, TemporaryKey.Expired(provider.Name, end, now)));
                    break;
                case ProviderResult.Found found:
                    (key, from, ended) = (found.Key, provider, true);
                    links.Add(new CredentialLink(provider.Name, CredentialLinkState.Served, found.Key.ToString()));
                    break;
                case ProviderResult.Failed failed:
                    ended = !failed.GoOn;
                    links.Add(new CredentialLink(provider.Name, CredentialLinkState.Failed, failed.Line) { Denied = failed.Denied, IsAlwaysTried = failed.GoOn });
                    break;
                case ProviderResult.NotConfigured not:
                    links.Add(new CredentialLink(provider.Name, not.IsDisabled ? CredentialLinkState.Disabled : CredentialLinkState.NotConfigured, not.Why));
                    break;
            }
        }

        if (role is null) return new CredentialSearchResult(key, from, from?.Name ?? "", links);
        var answer = from is null ? null : await sts!.AssumeAsync(role, new ProviderSource(from, key!), cancellation);
        var assumed = (answer as ProviderResult.Found)?.Key;
        links.Add(answer switch
        {
            ProviderResult.Found => new CredentialLink(role.Name, CredentialLinkState.Served, assumed!.ToString()),
            ProviderResult.Failed failed => new CredentialLink(role.Name, CredentialLinkState.Failed, failed.Line) { Denied = failed.Denied },
            _ => new CredentialLink(role.Name, CredentialLinkState.NotAsked, ""),
        });
        return new CredentialSearchResult(assumed, from, $"{role.Name} with the key of {from?.Name}", links);
    }

    /// <param name="Key">Null when there is none.</param>
    /// <param name="Provider">The link that gave it, or the key that it was assumed with.</param>
    /// <param name="From">Both, for people.</param>
    internal sealed record CredentialSearchResult(AccessKey? Key, ICredentialProvider? Provider, string From, IReadOnlyList<CredentialLink> Links);
}
