using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Control;

/// <summary>The response of <c>GET /state</c>: the current state, without secrets.</summary>
internal static class StateDocument
{
    public static object Write(CloudState state, IReadOnlyDictionary<string, Uri> metadataByInstance)
    {
        lock (state.Gate)
        {
            state.Settle();
            return new
            {
                state.Now,
                state.Version,
                state.RegionId,
                state.AccountId,
                state.Settings,
                AccessKeys = state.AccessKeys.Select(k => new { k.Id, k.Inactive, k.DeniedActions }).ToList(),
                Roles = state.Roles.Select(r => new { r.Name, r.Arn, r.DeniedActions, r.TrustedBy }).ToList(),
                OidcProviders = state.OidcProviders.Select(p => new { p.Name, p.Arn }).ToList(),
                Vpcs = state.Vpcs.Select(v => new
                {
                    VpcId = v.Id,
                    CidrBlock = v.Cidr.ToString(),
                    SecondaryCidrBlocks = v.SecondaryCidrs.Select(c => c.ToString()).ToList(),
                    v.UserCidrs,
                    Ipv6CidrBlock = v.Ipv6Cidr?.ToString(),
                    RouteTables = v.Tables.Select(t => new
                    {
                        RouteTableId = t.Id,
                        RouteTableName = t.Name,
                        RouteTableType = t.Type,
                        t.AssociateType,
                        Entries = t.Entries.Select(e => Views.View(state, e)).ToList(),
                    }).ToList(),
                    VSwitches = v.VSwitches.Select(s => new
                    {
                        VSwitchId = s.Id,
                        CidrBlock = s.Cidr.ToString(),
                        Ipv6CidrBlock = s.Ipv6Cidr?.ToString(),
                        s.ZoneId,
                        RouteTableId = s.Table.Id,
                    }).ToList(),
                }).ToList(),
                Instances = state.Instances.Select(i => new
                {
                    InstanceId = i.Id,
                    i.RamRole,
                    i.HardenedMetadata,
                    MetadataUrl = metadataByInstance.GetValueOrDefault(i.Id),
                    CredentialsExpire = i.Credentials?.Expiration,
                    Interfaces = i.Interfaces.Select(n => new
                    {
                        NetworkInterfaceId = n.Id,
                        n.Mac,
                        VSwitchId = n.VSwitch.Id,
                        PrivateIp = Cidr.Write(n.PrivateIp),
                        Primary = n.IsPrimary,
                        n.SourceDestCheck,
                        Ipv6s = n.Ipv6Addresses,
                    }).ToList(),
                }).ToList(),
            };
        }
    }
}
