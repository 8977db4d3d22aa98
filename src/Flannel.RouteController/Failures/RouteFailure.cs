using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Failures;

/// <summary>Why the write of a route failed, and when it is repeated.</summary>
/// <param name="Action">What failed; null if the route table could not be read.</param>
/// <param name="RetryAt">A timestamp of the time provider.</param>
/// <param name="Count">Failures of the same kind in a row.</param>
/// <param name="Backoff">Of failures of this kind.</param>
internal sealed record RouteFailure(
    RouteStateReason Reason, CloudErrorKind Kind, RouteAction? Action, long RetryAt, int Count, Backoff Backoff);
