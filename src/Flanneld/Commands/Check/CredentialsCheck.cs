using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Sts;

namespace Flanneld.Commands.Check;

/// <summary>Checks the credential chain, provider by provider. Needs neither the identity of the instance nor a network
/// configuration.</summary>
/// <param name="role">Of the network configuration; null without one.</param>
/// <param name="isVerbose">Sources that have no key are listed although a later one has.</param>
internal sealed class CredentialsCheck(CredentialChain credentials, AssumedRole? role, CheckSection results, bool isVerbose)
{
    /// <summary>Whether the metadata service answered; if not, that is reported as the cause.</summary>
    public bool IsMetadataAvailable { get; init; } = true;

    private static readonly CheckKind Kind = CheckKind.Credentials;

    public async Task RunAsync(CancellationToken cancellation)
    {
        var providers = await credentials.ExplainAsync(cancellation);
        var used = providers.LastOrDefault(provider => provider.State == CredentialProviderState.Used);
        var ended = FindEnd(providers, used);
        if (ended?.Denied is { } denied) results.AddMissingPermission(denied);
        // The provider that ended the chain is the result itself.
        var others = providers.Where(provider => provider.State != CredentialProviderState.NotTried && provider != ended
            && (isVerbose || used is null || provider.State is CredentialProviderState.Failed or CredentialProviderState.Used));
        results.Add(Summarize(used, ended) with { Lines = [.. others.Select(DescribeLine)] });
    }

    /// <summary>The provider that failed and ended the chain; null if a provider supplied the key. An assumed role is the last
    /// provider and decides.</summary>
    private static CredentialProviderStatus? FindEnd(IReadOnlyList<CredentialProviderStatus> providers, CredentialProviderStatus? used)
    {
        if (providers.Count > 0 && providers[^1].State == CredentialProviderState.Failed) return providers[^1];
        return used is null ? providers.LastOrDefault(provider => provider.State == CredentialProviderState.Failed) : null;
    }

    private CheckResult Summarize(CredentialProviderStatus? used, CredentialProviderStatus? ended)
    {
        if (ended is { IsImplicit: true } && !IsMetadataAvailable) return CheckResult.Unknown(Kind, ended.Detail);
        if (ended is not null) return CheckResult.Problem(Kind, ended.Detail, Advice(ended));
        if (used is not null) return CheckResult.Ok(Kind, $"{used.Name}, {used.Detail}");
        if (!IsMetadataAvailable) return CheckResult.Unknown(Kind, "a RAM role is not known without the metadata service");
        return CheckResult.Problem(
            Kind, "none: no source of the chain below has any",
            "attach a RAM role to this instance (ECS console, the instance, Attach/Detach RAM Role), or use --access-key-file");
    }

    private string Advice(CredentialProviderStatus ended) => ended switch
    {
        { Denied: not null } => "grant it with the policy below, and let the role's trust policy allow the caller to assume it",
        _ when ended.Name == role?.Name => "correct Backend.RoleArn of the network configuration, or the cause in the line above",
        { IsImplicit: true } => "let this instance connect to its metadata service, or configure a key: see docs/credentials.md",
        _ => "correct it, or remove it so that the next source is used; see docs/credentials.md",
    };

    private static string DescribeLine(CredentialProviderStatus provider)
    {
        var text = provider.State switch
        {
            CredentialProviderState.Used => "used",
            CredentialProviderState.Disabled => $"disabled: {provider.Detail}",
            _ => provider.Detail,
        };
        return text.StartsWith(provider.Name, StringComparison.Ordinal) ? text : $"{provider.Name}: {text}";
    }
}
