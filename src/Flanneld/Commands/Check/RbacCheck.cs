using Flannel.Kubernetes.Client;
using Flanneld.Clients;

namespace Flanneld.Commands.Check;

/// <summary>Asks the API server by SelfSubjectAccessReviews which verbs this account may use. Each authenticated account may
/// ask.</summary>
internal sealed class RbacCheck(KubernetesClusterStore store, CheckSection results)
{
    public async Task RunAsync(IReadOnlyList<RequiredAccess> required, CancellationToken cancellation)
    {
        try
        {
            var allowed = await Task.WhenAll(required.Select(access => store.Api.CanIAsync(access.Review, cancellation)));
            results.Add(Describe([.. required.Zip(allowed).Where(pair => !pair.Second).Select(pair => pair.First)], required.Count));
        }
        catch (KubeException e)
        {
            results.Add(CheckResult.Unknown(CheckKind.Rbac, $"not checked: {e.Message}"));
        }
    }

    internal static CheckResult Describe(IReadOnlyList<RequiredAccess> missing, int count)
    {
        var detail = $"{count - missing.Count} of {count} verbs are allowed";
        if (missing.Count == 0) return CheckResult.Ok(CheckKind.Rbac, detail);
        // Without such a verb nothing works.
        var state = missing.Any(access => access.LostWithout.Length == 0) ? CheckState.Problem : CheckState.Warning;
        return new CheckResult(CheckKind.Rbac, state, detail)
        {
            Lines = [.. missing.Select(Describe)],
            Advice = "grant the rules above to the account of the daemon; docs/kubernetes.md has all of them",
        };
    }

    private static string Describe(RequiredAccess access) =>
        $"missing: {access.Rule}{(access.LostWithout.Length > 0 ? $"; without it {access.LostWithout}" : "")}";
}
