using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>The credentials of the program's configuration.</summary>
/// <param name="AccessKey">Null if the configuration has none.</param>
/// <param name="RegionId">The region whose STS endpoint is used; null for the region of the instance.</param>
/// <param name="Role">The role to assume with the access key; null to sign with the key itself.</param>
public sealed record ConfiguredCredentials(AccessKey? AccessKey, string? RegionId, AssumedRole? Role)
{
    public static readonly ConfiguredCredentials Empty = new(null, null, null);
}
