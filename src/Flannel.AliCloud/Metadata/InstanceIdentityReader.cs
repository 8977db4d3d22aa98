using Flannel.AliCloud.Http;
using Flannel.Core.Addresses;

namespace Flannel.AliCloud.Metadata;

/// <summary>Reads the identity of this instance from the metadata service. It requests all items at once: after the token, this takes one
/// round trip. Thread-safe.</summary>
public sealed class InstanceIdentityReader(MetadataClient metadata)
{
    private const string InterfacesPath = "meta-data/network/interfaces/macs/";
    private const int MaxListedInterfaces = 64;

    private readonly Lock gate = new();
    private InstanceIdentity? cached;

    /// <param name="mac">MAC address of the interface that flannel's rules selected, in any case, with colons or dashes.</param>
    public async Task<InstanceIdentityResult> ReadAsync(string mac, CancellationToken cancellation)
    {
        mac = mac.Trim().Replace('-', ':').ToLowerInvariant();
        lock (gate)
        {
            // The id of an instance and the VPC of an interface do not change while a process runs.
            if (cached is { } identity && identity.Mac == mac) return new InstanceIdentityResult.Identity(identity);
        }

        if (!ResourceIdFormat.IsMacAddress(mac)) return new InstanceIdentityResult.NoSuchInterface(mac, []);
        var items = new IdentityItems(mac);
        var result = await ReadItemsAsync(items, mac, cancellation) ?? items.ToIdentity(mac);
        if (result is InstanceIdentityResult.Identity { Value: var read })
            lock (gate) cached = read;
        return result;
    }

    /// <summary>Reads all items. Null on success.</summary>
    private async Task<InstanceIdentityResult?> ReadItemsAsync(IdentityItems items, string mac, CancellationToken cancellation)
    {
        var results = await Task.WhenAll(items.All.Select(item => metadata.GetAsync(item.Path, cancellation)));
        for (var i = 0; i < results.Length; i++)
        {
            var item = items.All[i];
            switch (results[i])
            {
                case MetadataResult.Found found:
                    item.Text = found.Text;
                    break;
                case MetadataResult.Unreachable unreachable:
                    return new InstanceIdentityResult.Unreachable($"{unreachable.Reason}; is this an ECS instance in a VPC?");
                case MetadataResult.Failed failed:
                    return new InstanceIdentityResult.Unreachable(failed.Reason);
                case MetadataResult.NotFound when item.IsOfInstance:
                    return new InstanceIdentityResult.NotAnEcsInstance(
                        $"the metadata service at {metadata.Endpoint} has no {item.Path}: this is not an ECS instance,"
                        + " or its metadata service is switched off");
                case MetadataResult.NotFound when item == items.NetworkInterfaceId:
                    return await NoSuchInterfaceAsync(mac, cancellation);
            }
        }

        return null;
    }

    private async Task<InstanceIdentityResult> NoSuchInterfaceAsync(string mac, CancellationToken cancellation) =>
        await metadata.GetAsync(InterfacesPath, cancellation) switch
        {
            MetadataResult.Found found => new InstanceIdentityResult.NoSuchInterface(mac, Macs(found.Text)),
            MetadataResult.Unreachable unreachable => new InstanceIdentityResult.Unreachable(unreachable.Reason),
            MetadataResult.Failed failed => new InstanceIdentityResult.Unreachable(failed.Reason),
            _ => new InstanceIdentityResult.NotAnEcsInstance(
                $"the metadata service at {metadata.Endpoint} lists no interfaces: this is not an ECS instance in a VPC,"
                + " or its metadata service is switched off"),
        };

    /// <summary>Parses a JSON array of addresses. Other content is ignored: the primary address is an item of its own.</summary>
    internal static IReadOnlyList<Ipv4Address> Addresses(string text)
    {
        List<Ipv4Address> all = [];
        foreach (var part in text.Split(['[', ']', ',', '"', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (Ipv4Address.TryParse(part, out var address) && !all.Contains(address)) all.Add(address);
        }

        return all;
    }

    /// <summary>Parses a directory listing: one MAC address per line, each with a trailing slash.</summary>
    internal static IReadOnlyList<string> Macs(string text) =>
        [.. text.Split('\n').Select(line => line.Trim().TrimEnd('/').ToLowerInvariant())
            .Where(ResourceIdFormat.IsMacAddress).Take(MaxListedInterfaces)];

    /// <summary>An item of the metadata service.</summary>
    /// <param name="isOfInstance">True for an item that every ECS instance has.</param>
    private sealed class Item(string path, Func<string, bool> isValid, bool isOfInstance)
    {
        public string Path => path;

        public bool IsOfInstance => isOfInstance;

        /// <summary>Empty if the service does not have the item.</summary>
        public string Text { get; set; } = "";

        public bool IsValid => isValid(Text);
    }

    private sealed class IdentityItems
    {
        private readonly Item instanceId = OfInstance("instance-id", ResourceIdFormat.IsInstanceId);
        private readonly Item regionId = OfInstance("region-id", ResourceIdFormat.IsRegionId);
        private readonly Item zoneId = OfInstance("zone-id", ResourceIdFormat.IsZoneId);
        private readonly Item primaryMac = OfInstance("mac", text => ResourceIdFormat.IsMacAddress(text.ToLowerInvariant()));
        private readonly Item vpcId;
        private readonly Item vSwitchId;
        private readonly Item primaryAddress;
        private readonly Item privateAddresses;
        private readonly Item vSwitchRange;
        private readonly Item vpcRange;

        public IdentityItems(string mac)
        {
            NetworkInterfaceId = OfInterface("network-interface-id", ResourceIdFormat.IsNetworkInterfaceId);
            vpcId = OfInterface("vpc-id", ResourceIdFormat.IsVpcId);
            vSwitchId = OfInterface("vswitch-id", ResourceIdFormat.IsVSwitchId);
            primaryAddress = OfInterface("primary-ip-address", text => Ipv4Address.TryParse(text, out _));
            privateAddresses = OfInterface("private-ipv4s", IsOptional);
            vSwitchRange = OfInterface("vswitch-cidr-block", IsOptional);
            vpcRange = OfInterface("vpc-cidr-block", IsOptional);
            All =
            [
                instanceId, regionId, zoneId, primaryMac, NetworkInterfaceId, vpcId, vSwitchId, primaryAddress,
                privateAddresses, vSwitchRange, vpcRange,
            ];

            Item OfInterface(string name, Func<string, bool> isValid) => new($"{InterfacesPath}{mac}/{name}", isValid, false);
            static bool IsOptional(string text) => true;
        }

        public Item NetworkInterfaceId { get; }

        public IReadOnlyList<Item> All { get; }

        public InstanceIdentityResult ToIdentity(string mac)
        {
            if (All.FirstOrDefault(item => !item.IsValid) is { } invalid)
            {
                return new InstanceIdentityResult.NotAnEcsInstance($"the metadata service returns an "
                    + $"{(invalid.Text.Length == 0 ? "empty" : "invalid")} {invalid.Path}: this is not an ECS instance in a VPC");
            }

            var primary = Ipv4Address.Parse(primaryAddress.Text);
            var isPrimary = primaryMac.Text.Equals(mac, StringComparison.OrdinalIgnoreCase);
            return new InstanceIdentityResult.Identity(new InstanceIdentity(
                regionId.Text, zoneId.Text, instanceId.Text, vpcId.Text, vSwitchId.Text, mac, NetworkInterfaceId.Text, isPrimary,
                [primary, .. Addresses(privateAddresses.Text).Where(address => address != primary)])
            {
                VSwitchRange = Range(vSwitchRange),
                VpcRange = Range(vpcRange),
            });
        }

        private static Item OfInstance(string name, Func<string, bool> isValid) => new($"meta-data/{name}", isValid, true);

        private static Ipv4Network? Range(Item item) => Ipv4Network.TryParse(item.Text, out var range) ? range : null;
    }
}
