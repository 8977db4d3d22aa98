using Flannel.AliCloud;

namespace Flannel.RouteController.Permissions;

public enum RightState
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
public sealed record Right(string Action, string LostWithout, RightState State, string Detail)
{
    internal static Right Of(string action, string lostWithout, CloudError? error) => error switch
    {
        null => new Right(action, lostWithout, RightState.Granted, ""),
        // Refused by something else than RAM: that says nothing about the right.
        { Kind: CloudErrorKind.Denied, DeniedAction: null } => new Right(action, lostWithout, RightState.Unknown, error.Message),
        { Kind: CloudErrorKind.Denied } => new Right(action, lostWithout, RightState.Denied, $"{error.Code} {error.Message}{error.RequestNote}"),
        { Kind: CloudErrorKind.RefreshCredentials } => new Right(action, lostWithout, RightState.Unknown, $"{error.Code} {error.Message}"),
        // RAM is asked before anything else: another refusal by the service comes only from behind it.
        { HttpStatus: >= 400 and < 500 } and not { Kind: CloudErrorKind.Retry } => new Right(action, lostWithout, RightState.Granted, $"the API answers {error.Code}"),
        _ => new Right(action, lostWithout, RightState.Unknown, $"{error.Code} {error.Message}"),
    };
}
