using System.Text;
using AliCloud.Simulator.Setup;

namespace AliCloud.Simulator.State;

/// <summary>Creates the state from a description, and rejects an inconsistent one.</summary>
internal static class CloudSetupLoader
{
    /// <exception cref="FormatException">The setup is inconsistent; the message names the place.</exception>
    public static void Build(CloudState state, CloudSetup setup)
    {
        state.AccessKeys.AddRange(setup.AccessKeys);
        state.Roles.AddRange(setup.Roles.Select(r => new Role(r, r.AccountId ?? setup.AccountId)));
        Require(state.Roles.DistinctBy(r => r.Name).Count() == state.Roles.Count, "a role is repeated");
        state.OidcProviders.AddRange(setup.OidcProviders.Select(p => new OidcProvider(p, setup.AccountId)));
        foreach (var vpc in setup.Vpcs) AddVpc(state, vpc);
        foreach (var instance in setup.Instances) AddInstance(state, instance);
    }

    public static RouteTable AddTable(CloudState state, Vpc vpc, RouteTableSetup description)
    {
        Require(description.RouteTableType is "System" or "Custom", $"{description.RouteTableId}: routeTableType must be System or Custom");
        Require(description.AssociateType is "VSwitch" or "Gateway",
            $"{description.RouteTableId}: associateType must be VSwitch or Gateway");
        Require(state.FindTable(description.RouteTableId) is null, $"{description.RouteTableId} is repeated");
        var table = new RouteTable(
            description.RouteTableId, description.RouteTableName, vpc, description.RouteTableType, description.AssociateType);
        AddSystemEntry(state, table, Cidr.Service);
        foreach (var vSwitch in vpc.VSwitches) AddSystemEntries(state, table, vSwitch);
        foreach (var entry in description.Entries) AddEntry(state, table, entry);
        vpc.Tables.Add(table);
        return table;
    }

    public static RouteEntry AddEntry(CloudState state, RouteTable table, RouteEntrySetup description)
    {
        var text = description.DestinationCidrBlock;
        var destination = text.Contains(':', StringComparison.Ordinal) ? Cidr.ParseIpv6(text) : Cidr.Parse(text);
        Require(description.Type is "Custom" or "BGP" or "CEN" or "ECR", $"{destination}: type must be Custom, BGP, CEN or ECR");
        Require(!table.Entries.Exists(e => e.Destination == destination), $"{destination} is repeated in {table.Id}");
        return New(state, table, destination, description.Type, new NextHop(description.NextHopType, description.NextHopId),
            description.ServiceType,
            description.RouteEntryName, description.Description);
    }

    public static RouteEntry New(
        CloudState state, RouteTable table, Cidr destination, string type, NextHop nextHop, string? serviceType, string name,
            string description)
    {
        var ordinal = state.NextOrdinal();
        var entry = new RouteEntry($"rte-sim{ordinal:d14}", ordinal, table, destination, type)
        {
            NextHop = nextHop,
            Name = name,
            Description = description,
            ServiceType = serviceType,
            Modified = state.Time.GetUtcNow(),
        };
        table.Entries.Add(entry);
        return entry;
    }

    /// <summary>The instances of a setup on one machine's loopback interface share its MAC address.</summary>
    private const string LoopbackMac = "00:00:00:00:00:00";

    /// <summary>Bytes, before the Base64 encoding.</summary>
    private const int LongestUserData = 16 << 10;

    public static Instance AddInstance(CloudState state, InstanceSetup description)
    {
        var id = description.InstanceId;
        Require(state.FindInstance(id) is null, $"{id} is repeated");
        Require(description.RamRole is null || state.Roles.Exists(r => r.Name == description.RamRole),
            $"{id}: no role {description.RamRole}");
        Require(description.Interfaces.Count > 0, $"{id} has no interface");
        Require(description.UserData is not { } data || Encoding.UTF8.GetByteCount(data) is > 0 and <= LongestUserData,
            $"{id}: user data must have 1 to {LongestUserData} bytes");
        var instance = new Instance(id)
        {
            RamRole = description.RamRole,
            HardenedMetadata = description.HardenedMetadata,
            HostName = description.HostName ?? id,
            UserData = description.UserData,
        };
        foreach (var i in description.Interfaces)
        {
            var vSwitch = state.VSwitches.FirstOrDefault(v => v.Id == i.VSwitchId)
                ?? throw new FormatException($"{i.NetworkInterfaceId}: no vSwitch {i.VSwitchId}");
            Require(Cidr.TryParseAddress(i.PrivateIp, out var ip) && vSwitch.Cidr.Contains(ip), $"{i.PrivateIp} is not in {vSwitch.Cidr}");
            Require(!state.Interfaces.Concat(instance.Interfaces).Any(
                o => o.Id == i.NetworkInterfaceId || o.Mac == i.Mac && i.Mac != LoopbackMac
                || o.PrivateIp == ip && o.VSwitch.Vpc == vSwitch.Vpc), $"{i.NetworkInterfaceId}: id, MAC or address is repeated");
            Require(instance.Interfaces.Count == 0 || vSwitch.Vpc == instance.Vpc, $"{id}: interfaces in two VPCs");
            instance.Interfaces.Add(new NetworkInterface(i.NetworkInterfaceId, i.Mac, vSwitch, ip, instance)
            {
                SourceDestCheck = i.SourceDestCheck ?? state.Settings.NewInterfaceSourceDestCheck,
                Ipv6Addresses = Ipv6AddressesOf(vSwitch, i.Ipv6s),
            });
        }

        state.Instances.Add(instance);
        return instance;
    }

    private static void AddVpc(CloudState state, VpcSetup description)
    {
        Require(state.FindVpc(description.VpcId) is null, $"{description.VpcId} is repeated");
        var vpc = new Vpc(
            description.VpcId, Cidr.Parse(description.CidrBlock), [.. description.SecondaryCidrBlocks.Select(Cidr.Parse)],
                description.UserCidrs)
        {
            Ipv6Cidr = description.Ipv6CidrBlock is { } ipv6 ? Cidr.ParseIpv6(ipv6) : null,
        };
        state.Vpcs.Add(vpc);
        foreach (var table in description.RouteTables) AddTable(state, vpc, table);
        Require(vpc.Tables.Count(t => t.Type == "System" && !t.IsGateway) == 1, $"{vpc.Id} needs exactly one System route table");
        foreach (var vSwitch in description.VSwitches) AddVSwitch(state, vpc, vSwitch);
    }

    private static void AddVSwitch(CloudState state, Vpc vpc, VSwitchSetup description)
    {
        var id = description.VSwitchId;
        var cidr = Cidr.Parse(description.CidrBlock);
        var table = vpc.Tables.Find(t => t.Id == description.RouteTableId)
            ?? throw new FormatException($"{id}: no table {description.RouteTableId} in {vpc.Id}");
        Require(!table.IsGateway, $"{id}: {table.Id} is a gateway's table");
        Require(!state.VSwitches.Any(v => v.Id == id), $"{id} is repeated");
        Require(vpc.SecondaryCidrs.Append(vpc.Cidr).Any(c => c.Contains(cidr)), $"{id}: {cidr} is not in {vpc.Cidr}");
        Require(!vpc.VSwitches.Exists(v => v.Cidr.Contains(cidr) || cidr.Contains(v.Cidr)), $"{id}: {cidr} overlaps another vSwitch");
        Cidr? ipv6 = description.Ipv6CidrBlock is { } text ? Cidr.ParseIpv6(text) : null;
        Require(ipv6 is null || vpc.Ipv6Cidr?.Contains(ipv6.Value) == true, $"{id}: {ipv6} is not in the VPC's IPv6 range");
        var vSwitch = new VSwitch(id, vpc, cidr, description.ZoneId, table) { Ipv6Cidr = ipv6 };
        vpc.VSwitches.Add(vSwitch);
        foreach (var t in vpc.Tables) AddSystemEntries(state, t, vSwitch);
    }

    /// <summary>In the form in which the metadata service lists them.</summary>
    public static IReadOnlyList<string> Ipv6AddressesOf(VSwitch vSwitch, IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            Require(Cidr.TryParseIpv6Address(text, out var address), $"'{text}' is not an IPv6 address");
            Require(vSwitch.Ipv6Cidr is not { } range || range.Contains(address), $"{text} is not in the IPv6 range of {vSwitch.Id}");
        }

        return [.. texts];
    }

    private static void AddSystemEntries(CloudState state, RouteTable table, VSwitch vSwitch)
    {
        AddSystemEntry(state, table, vSwitch.Cidr);
        if (vSwitch.Ipv6Cidr is { } ipv6) AddSystemEntry(state, table, ipv6);
    }

    private static void AddSystemEntry(CloudState state, RouteTable table, Cidr destination) =>
        New(state, table, destination, "System", new NextHop("local", ""), null, "", "Created with vSwitch by system.");

    private static void Require(bool condition, string otherwise)
    {
        if (!condition) throw new FormatException(otherwise);
    }
}
