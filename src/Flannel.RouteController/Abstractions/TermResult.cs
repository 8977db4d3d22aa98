using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Abstractions;

/// <summary>Why a term as the route controller ended. After <see cref="Lost"/> the node may compete again at once. After
/// <see cref="Denied"/>, <see cref="NoCredentials"/> and <see cref="Unreachable"/> it competes again only when a probe of its permissions
/// succeeds.</summary>
public abstract record TermResult
{
    /// <summary>One phrase for a log line.</summary>
    public sealed override string ToString() => this switch
    {
        Denied { Action: CloudErrorCodes.Unauthorized or CloudErrorCodes.Forbidden } denied =>
            $"a proxy or a firewall rejects its calls ({denied.Action})",
        Denied denied => $"missing permission {denied.Action}",
        NoCredentials none => $"no valid credentials: {none.Reason}",
        Unreachable unreachable => $"the VPC API is unavailable: {unreachable.Reason}",
        Stopped => "stop requested",
        _ => "election lost",
    };

    /// <summary>The election is lost, or may be.</summary>
    public sealed record Lost : TermResult;

    /// <summary>The caller cancelled the term.</summary>
    public sealed record Stopped : TermResult;

    /// <param name="Action">The RAM action that is missing, such as <c>vpc:CreateRouteEntries</c>.</param>
    public sealed record Denied(string Action) : TermResult;

    /// <param name="Reason">One line, without a secret.</param>
    public sealed record NoCredentials(string Reason) : TermResult;

    /// <param name="Reason">One line.</param>
    public sealed record Unreachable(string Reason) : TermResult;
}
