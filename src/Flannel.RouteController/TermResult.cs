using Flannel.AliCloud.Http;
using Flannel.RouteController.Permissions;

namespace Flannel.RouteController;

/// <summary>Why a term as the route controller ended. After anything but <see cref="Lost"/> the caller resigns; after anything but
/// <see cref="Stopped"/> it stands again only when <see cref="PermissionProbe"/> allows.</summary>
public abstract record TermResult
{
    /// <summary>In words, for a line of the log.</summary>
    public sealed override string ToString() => this switch
    {
        Denied { Action: CloudErrorCodes.Unauthorized or CloudErrorCodes.Forbidden } denied =>
            $"a proxy or a firewall rejects its calls ({denied.Action})",
        Denied denied => $"its key lacks the RAM action {denied.Action}",
        NoCredentials none => none.Reason,
        Unreachable unreachable => $"the cloud's API is out of reach: {unreachable.Reason}",
        Stopped => "asked to stop",
        _ => "the election was lost",
    };

    /// <summary>The election is lost, or may be.</summary>
    public sealed record Lost : TermResult;

    /// <summary>The caller asked for the end.</summary>
    public sealed record Stopped : TermResult;

    /// <param name="Action">The RAM action that is missing, such as <c>vpc:CreateRouteEntries</c>.</param>
    public sealed record Denied(string Action) : TermResult;

    /// <param name="Reason">One line, without a secret.</param>
    public sealed record NoCredentials(string Reason) : TermResult;

    /// <param name="Reason">One line.</param>
    public sealed record Unreachable(string Reason) : TermResult;
}
