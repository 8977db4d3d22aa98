using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Permissions;

/// <summary>Whether a permission exists.</summary>
public enum PermissionState
{
    Granted,
    Denied,

    /// <summary>It could not be tried, because another permission is missing. Most likely it is missing, too.</summary>
    Blocked,

    /// <summary>The API is unavailable, or there is no way to ask without a change.</summary>
    Unknown,
}

/// <summary>Whether the credentials have the permission for a RAM action.</summary>
/// <param name="Action">Such as <c>vpc:CreateRouteEntries</c>.</param>
/// <param name="LostWithout">What does not work without it; empty if nothing works.</param>
/// <param name="Detail">How the state was determined, or why it could not be. One line.</param>
public sealed record Permission(string Action, string LostWithout, PermissionState State, string Detail)
{
    /// <param name="error">The result of a call that needs the permission; null on success.</param>
    internal static Permission Of(string action, string lostWithout, CloudError? error)
    {
        return error switch
        {
            null => New(PermissionState.Granted, ""),
            // Denied by something else than RAM, which proves nothing about the permission.
            { Kind: CloudErrorKind.Denied, DeniedAction: null } => New(PermissionState.Unknown, error.Message),
            { Kind: CloudErrorKind.Denied } => New(PermissionState.Denied, $"{error.Code} {error.Message}{error.RequestNote}"),
            { Kind: CloudErrorKind.RefreshCredentials } => New(PermissionState.Unknown, $"{error.Code} {error.Message}"),
            // RAM is checked first: any other rejection by the service proves the permission.
            { HttpStatus: >= 400 and < 500 } and not { Kind: CloudErrorKind.Retry } =>
                New(PermissionState.Granted, $"the API responds with {error.Code}"),
            _ => New(PermissionState.Unknown, $"{error.Code} {error.Message}"),
        };

        Permission New(PermissionState state, string detail) => new(action, lostWithout, state, detail);
    }
}
