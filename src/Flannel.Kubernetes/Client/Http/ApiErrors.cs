using System.Text.RegularExpressions;
using Flannel.Core;
using Flannel.Kubernetes.Client.Access;
using Flannel.Kubernetes.Client.Wire;

namespace Flannel.Kubernetes.Client.Http;

/// <summary>Describes failed responses.</summary>
internal static partial class ApiErrors
{
    private const string NotFoundReason = "NotFound";
    private const string UidField = "metadata.uid";

    /// <param name="status">Null if the body has none.</param>
    /// <param name="text">The text of a body that is not a Status.</param>
    public static KubeException FromResponse(
        ApiRequest request, ClusterAccess access, int httpStatus, StatusDocument? status, string text, TimeSpan? retryAfter)
    {
        var kind = KindOf(httpStatus, status);
        var message = Shorten(status?.Message is { Length: > 0 } said ? said : text);
        return new KubeException(
            kind, $"{request.DisplayName}: {Describe(kind, request, access, httpStatus, status, message)}",
            mayHaveHappened: request.IsWrite && httpStatus >= 500)
        {
            HttpStatus = httpStatus,
            RetryAfter = Limited(
                retryAfter ?? (status?.Details?.RetryAfterSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : null)),
        };
    }

    private static TimeSpan? Limited(TimeSpan? retryAfter) =>
        retryAfter > KubeLimits.LongestRetryAfter ? KubeLimits.LongestRetryAfter : retryAfter;

    private static KubeErrorKind KindOf(int httpStatus, StatusDocument? status) => httpStatus switch
    {
        401 => KubeErrorKind.Unauthorized,
        403 => KubeErrorKind.Forbidden,
        // The object does not exist only if the response names it: another server, and an unknown path, return 404 too.
        404 when status is { Reason: NotFoundReason, Details.Name.Length: > 0 } => KubeErrorKind.NotFound,
        409 => KubeErrorKind.Conflict,
        410 => KubeErrorKind.Expired,
        // The API server reports the UID in a patch as a change of a field that cannot change.
        422 when status?.Details?.Causes?.Any(cause => cause?.Field == UidField) == true => KubeErrorKind.Conflict,
        408 => KubeErrorKind.TimedOut,
        429 => KubeErrorKind.TooManyRequests,
        >= 500 => KubeErrorKind.Unavailable,
        _ => KubeErrorKind.Invalid,
    };

    private static string Describe(
        KubeErrorKind kind, ApiRequest request, ClusterAccess access, int httpStatus, StatusDocument? status, string message)
    {
        var server = access.DisplayName;
        return kind switch
        {
            KubeErrorKind.Unauthorized =>
                $"{server} rejects {access.Credential} (401); check that it belongs to this cluster and has not expired",
            KubeErrorKind.Forbidden when RbacMessage().IsMatch(message) =>
                $"missing permission: {message}; add to its {(request.Namespace is null ? "ClusterRole" : "Role")}: {Rule(request)}",
            _ when status is null => $"{server} responds with {httpStatus}{(message.Length == 0 ? "" : $": {message}")}",
            KubeErrorKind.Invalid when httpStatus == 404 =>
                $"{server} does not have this resource ({message}); it is no API server, or its version is not supported",
            _ => message.Length == 0 ? $"{server} responds with {httpStatus}" : $"{message} ({httpStatus})",
        };
    }

    /// <summary>As in the rules of a ClusterRole.</summary>
    private static string Rule(ApiRequest request) =>
        $"apiGroups: [\"{request.Resource.Group}\"], resources: [\"{request.ResourceName}\"], verbs: [\"{request.Verb}\"]";

    private static string Shorten(string text)
    {
        var line = PrintableText.Of(text.ReplaceLineEndings(" ").Trim());
        return line.Length <= KubeLimits.ErrorText ? line : string.Concat(line.AsSpan(0, KubeLimits.ErrorText), "…");
    }

    /// <summary>The authorizer's refusal. Admission plugins return 403 with other texts, where no rule helps.</summary>
    [GeneratedRegex("User \".*\" cannot [a-z]+ resource ")]
    private static partial Regex RbacMessage();
}
