using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;

namespace Flanneld.Commands.Check;

/// <summary>Checks the credential chain, provider by provider. The chain may work where nothing else of the cloud is known yet.</summary>
/// <param name="role">Of the network configuration; null without one.</param>
internal sealed class CredentialsCheck(CredentialChain credentials, AssumedRole? role, CheckReport report)
{
    private const string Subject = "credentials";

    public async Task RunAsync(CancellationToken cancellation)
    {
        var links = await credentials.ExplainAsync(cancellation);
        var served = links.LastOrDefault(link => link.State == CredentialLinkState.Served);
        var ended = FindEnd(links, served);
        if (ended?.Denied is { } denied) report.MissingPermissions.Add(denied);
        // The link that ended the chain is the result itself.
        var others = links.Where(link => link.State != CredentialLinkState.NotAsked && link != ended);
        report.Add(Summarize(served, ended) with { Lines = [.. others.Select(DescribeLine)] });
    }

    /// <summary>The link that failed and ended the chain; null when a link served. An assumed role is the last link and decides.</summary>
    private static CredentialLink? FindEnd(IReadOnlyList<CredentialLink> links, CredentialLink? served)
    {
        if (links.Count > 0 && links[^1].State == CredentialLinkState.Failed) return links[^1];
        return served is null ? links.LastOrDefault(link => link.State == CredentialLinkState.Failed) : null;
    }

    private CheckResult Summarize(CredentialLink? served, CredentialLink? ended)
    {
        if (ended is not null) return CheckResult.Problem(Subject, ended.Detail, Advice(ended));
        return served is not null
            ? CheckResult.Ok(Subject, $"{served.Name}, {served.Detail}")
            : CheckResult.Problem(
                Subject, "none: no source of the chain below has any",
                "attach a RAM role to this instance (ECS console, the instance, Attach/Detach RAM Role), or use --access-key-file");
    }

    private string Advice(CredentialLink ended) => ended switch
    {
        { Denied: not null } => "grant it with the policy below, and let the role's trust policy allow the caller to assume it",
        _ when ended.Name == role?.Name => "correct Backend.RoleArn of the network configuration, or the cause in the line above",
        { IsAlwaysTried: true } => "let this instance connect to its metadata service, or configure a key: see docs/credentials.md",
        _ => "correct it, or remove it so that the next source is used; see docs/credentials.md",
    };

    private static string DescribeLine(CredentialLink link)
    {
        var text = link.State switch
        {
            CredentialLinkState.Served => "used",
            CredentialLinkState.Disabled => $"disabled: {link.Detail}",
            _ => link.Detail,
        };
        return text.StartsWith(link.Name, StringComparison.Ordinal) ? text : $"{link.Name}: {text}";
    }
}
