using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Vpc;

/// <summary>The outcome of a batch. Entries without a failure succeeded.</summary>
public sealed record BatchResult(IReadOnlyList<BatchFailure> Failures);

/// <param name="Destination">Null if the response does not name it, or not as a prefix.</param>
/// <param name="RouteEntryId">Null if the response does not name it.</param>
public sealed record BatchFailure(IpNetwork? Destination, string? RouteEntryId, CloudError Error);
