using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Permissions;

public enum PermissionState
{
    Granted,
    Denied,

    /// <summary>Could not be tried, since another right is missing: most likely it is missing, too.</summary>
    Blocked,

    /// <summary>The API could not be asked, or there is no harmless way to ask.</summary>
    Unknown,
}

/// <summary>Whether the credentials carry a RAM action.</summary>
/// <param name="Action">Such as <c>vpc:CreateRouteEntries</c>.</param>
/// <param name="LostWithout">What does not work without it; empty when nothing works.</param>
/// <param name="Detail">How it was found out, or why it could not be. One line.</param>
public sealed record Permission(string Action, string LostWithout, PermissionState State, string Detail)
{
    internal static Permission Of(string action, string lostWithout, CloudError? error) => error switch
    {
        null => new Permission(action, lostWithout, PermissionState.Granted, ""),
        // Refused by something else than RAM: that says nothing about the right.
        { Kind: CloudErrorKind.Denied, DeniedAction: null } => new Permission(action, lostWithout, PermissionState.Unknown, error.Message),
        { Kind: CloudErrorKind.Denied } => new Permission(action, lostWithout, PermissionState.Denied, $"{error.Code} {error.Message}{error.RequestNote}"),
        { Kind: CloudErrorKind.RefreshCredentials } => new Permission(action, lostWithout, PermissionState.Unknown, $"{error.Code} {error.Message}"),
        // RAM is asked before anything else: another refusal by the service comes only from behind it.
        { HttpStatus: >= 400 and < 500 } and not { Kind: CloudErrorKind.Retry } => new Permission(action, lostWithout, PermissionState.Granted, $"the API answers {error.Code}"),
        _ => new Permission(action, lostWithout, PermissionState.Unknown, $"{error.Code} {error.Message}"),
    };
}
