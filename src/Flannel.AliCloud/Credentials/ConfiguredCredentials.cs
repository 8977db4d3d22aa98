using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>What the program's own configuration says about credentials.</summary>
/// <param name="AccessKey">Null when the configuration has none.</param>
/// <param name="RegionId">The region whose STS endpoint is used; null for the region of the instance.</param>
/// <param name="Role">The role that the access key assumes before a request is signed; null to sign with the key itself.</param>
public sealed record ConfiguredCredentials(AccessKey? AccessKey, string? RegionId, AssumedRole? Role)
{
    public static readonly ConfiguredCredentials Empty = new(null, null, null);
}
