using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Vpc;

/// <summary>A batch answers for each entry: the failures, by destination. All others succeeded.</summary>
public sealed record BatchResult(IReadOnlyList<BatchFailure> Failures);

public sealed record BatchFailure(Ipv4Network? Destination, string? RouteEntryId, CloudError Error);
