using AliCloud.Simulator.Api;
using AliCloud.Simulator.Api.Actions;
using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Control;

/// <summary>The console rejected a change: an error code of the API and its message.</summary>
public sealed class ConsoleException(string code, string message) : Exception($"{code}: {message}")
{
    public string Code => code;
}

/// <summary>
/// Changes by an operator, independent of the daemon. They take effect at once and are not signed; created resources are validated.
/// Unknown ids and impossible changes throw <see cref="ConsoleException"/>.
/// </summary>
public sealed class OperatorConsole
{
    private readonly CloudState _state;

    internal OperatorConsole(CloudState state) => _state = state;

    /// <returns>The id of the new entry.</returns>
    public string CreateRoute(string routeTableId, RouteEntrySetup route)
    {
        ArgumentNullException.ThrowIfNull(route);
        lock (_state.Gate)
        {
            _state.Settle();
            var table = _state.FindTable(routeTableId) ?? throw Rejection(ApiErrors.UnknownTable);
            if (RouteRules.ParseDestination(route.DestinationCidrBlock, out var destination) is { } malformed) throw Rejection(malformed);
            if (RouteRules.CheckDestination(_state, table, destination, strict: false) is { } bad) throw Rejection(bad);
            var nextHop = new NextHop(route.NextHopType, route.NextHopId);
            if (route.NextHopType is "Instance" or "NetworkInterface"
                && RouteRules.CheckNextHop(_state, table.Vpc, nextHop, destination) is { } unusable) throw Rejection(unusable);
            if (table.Entries.Exists(e => e.Destination == destination)) throw Rejection(ApiErrors.Duplicate);
            if (route is { Type: "Custom", ServiceType: null } && RouteRules.IsFull(_state, table)) throw Rejection(ApiErrors.Quota);
            var entry = CloudSetupLoader.AddEntry(_state, table, route with { DestinationCidrBlock = destination.ToString() });
            _state.Changed();
            return entry.Id;
        }
    }

    public void DeleteRoute(string routeEntryId) =>
        Change(() => _state.Remove(_state.FindEntry(routeEntryId) ?? throw Rejection(ApiErrors.UnknownEntryId)));

    public void DeleteRoute(string routeTableId, string destinationCidrBlock) => Change(() =>
    {
        var table = _state.FindTable(routeTableId) ?? throw Rejection(ApiErrors.UnknownTable);
        _state.Remove(table.Entries.Find(e => e.Destination.ToString() == destinationCidrBlock) ?? throw Rejection(ApiErrors.UnknownEntry));
    });

    /// <summary>Sets another next hop, like an operator who takes over the entry.</summary>
    public void UpdateRoute(string routeEntryId, string nextHopId, string nextHopType = "Instance") => Change(() =>
    {
        var entry = _state.FindEntry(routeEntryId) ?? throw Rejection(ApiErrors.UnknownEntryId);
        var nextHop = new NextHop(nextHopType, nextHopId);
        if (nextHopType is "Instance" or "NetworkInterface"
            && RouteRules.CheckNextHop(_state, entry.Table.Vpc, nextHop, entry.Destination) is { } unusable) throw Rejection(unusable);
        _state.UpdateNow(entry, nextHop);
    });

    /// <summary>Adds the instance; <see cref="SimulatedCloud"/> starts its metadata listener.</summary>
    internal void AddInstance(InstanceSetup instance) => Change(() => CloudSetupLoader.AddInstance(_state, instance));

    /// <param name="force">False: the release fails while a route entry names the instance, as documented.</param>
    internal void DeleteInstance(string instanceId, bool force) => Change(() =>
    {
        var instance = FindInstance(instanceId);
        var named = _state.Tables.SelectMany(t => t.Entries)
            .Any(e => e.NextHop.Id == instanceId || instance.Interfaces.Exists(i => i.Id == e.NextHop.Id));
        if (named && !force) throw new ConsoleException("DependencyViolation.RouteEntry", "Specified instance is used by route entry.");
        _state.Instances.Remove(instance);
    });

    public void SetHardenedMetadata(string instanceId, bool hardened) => Change(() => FindInstance(instanceId).HardenedMetadata = hardened);

    /// <summary>Credentials that were issued stay valid until they expire.</summary>
    public void SetRamRole(string instanceId, string? roleName) => Change(() =>
    {
        if (roleName is not null && !_state.Roles.Exists(r => r.Name == roleName)) throw new ConsoleException(
            "EntityNotExist.Role", roleName);
        FindInstance(instanceId).RamRole = roleName;
    });

    /// <summary>Creates the role if it does not exist.</summary>
    public void SetDeniedActions(string roleName, IReadOnlyList<string> deniedActions) => Change(() =>
    {
        if (_state.Roles.Find(r => r.Name == roleName) is { } role) role.DeniedActions = deniedActions;
        else _state.Roles.Add(new Role(new RoleSetup { Name = roleName, DeniedActions = deniedActions }, _state.AccountId));
    });

    public void SetTrustedBy(string roleName, IReadOnlyList<string> trustedBy) => Change(() => FindRole(roleName).TrustedBy = trustedBy);

    /// <summary>Invalidates all issued keys of the role at once; the metadata service issues new ones.</summary>
    public void RevokeSessions(string roleName) => Change(() =>
    {
        var role = FindRole(roleName);
        _state.Issued.RemoveAll(i => i.RoleName == role.Name);
        foreach (var instance in _state.Instances.Where(i => i.Credentials?.RoleName == role.Name)) instance.Credentials = null;
    });

    /// <summary>Creates the key, or replaces the key with this id.</summary>
    public void SetAccessKey(AccessKeySetup key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Change(() =>
        {
            _state.AccessKeys.RemoveAll(k => k.Id == key.Id);
            _state.AccessKeys.Add(key);
        });
    }

    public void SetInactive(string accessKeyId, bool inactive) => Change(() =>
    {
        var key = FindAccessKey(accessKeyId);
        _state.AccessKeys[_state.AccessKeys.IndexOf(key)] = key with { Inactive = inactive };
    });

    public void DeleteAccessKey(string accessKeyId) => Change(() => _state.AccessKeys.Remove(FindAccessKey(accessKeyId)));

    /// <summary>Sets the valid tokens of the provider; its former tokens count as expired.</summary>
    public void SetOidcTokens(string providerName, IReadOnlyList<string> tokens) => Change(() =>
    {
        var provider = _state.OidcProviders.Find(p => p.Name == providerName)
            ?? throw new ConsoleException("EntityNotExist.OIDCProvider", providerName);
        provider.Expired.UnionWith(provider.Tokens);
        provider.Expired.ExceptWith(tokens);
        provider.Tokens = tokens;
    });

    /// <summary>Enables IPv6 in a VPC with this range; null disables it. Entries that exist remain.</summary>
    public void SetIpv6(string vpcId, string? ipv6CidrBlock) => Change(() =>
        (_state.FindVpc(vpcId) ?? throw Rejection(ApiErrors.UnknownVpc)).Ipv6Cidr =
            ipv6CidrBlock is null ? null : Cidr.ParseIpv6(ipv6CidrBlock));

    /// <summary>Assigns these IPv6 addresses to an interface in place of the former ones.</summary>
    public void SetIpv6Addresses(string networkInterfaceId, IReadOnlyList<string> addresses) => Change(() =>
    {
        var found = _state.FindInterface(networkInterfaceId) ?? throw Rejection(ApiErrors.UnknownInterface);
        found.Ipv6Addresses = CloudSetupLoader.Ipv6AddressesOf(found.VSwitch, addresses);
    });

    public void SetSourceDestCheck(string networkInterfaceId, bool on) => Change(() =>
        (_state.FindInterface(networkInterfaceId) ?? throw Rejection(ApiErrors.UnknownInterface)).SourceDestCheck = on);

    public void SetRouteTable(string vSwitchId, string routeTableId) => Change(() =>
    {
        var vSwitch = _state.VSwitches.FirstOrDefault(v => v.Id == vSwitchId) ?? throw Rejection(ApiErrors.UnknownVSwitch);
        var table = vSwitch.Vpc.Tables.Find(t => t.Id == routeTableId) ?? throw Rejection(ApiErrors.UnknownTable);
        vSwitch.Table = table.IsGateway ? throw Rejection(ApiErrors.GatewayTable) : table;
    });

    public void AddRouteTable(string vpcId, RouteTableSetup table)
    {
        ArgumentNullException.ThrowIfNull(table);
        Change(() =>
        {
            var vpc = _state.FindVpc(vpcId) ?? throw Rejection(ApiErrors.UnknownVpc);
            if (table is { RouteTableType: "System", AssociateType: "VSwitch" })
                throw new ConsoleException("InvalidParameter", "the VPC already has a System table");
            CloudSetupLoader.AddTable(_state, vpc, table);
        });
    }

    public CloudSettings Settings
    {
        get
        {
            lock (_state.Gate) return _state.Settings;
        }
        set => Change(() => _state.Settings = value);
    }

    private Role FindRole(string name) => _state.Roles.Find(r => r.Name == name) ?? throw new ConsoleException("EntityNotExist.Role", name);

    private AccessKeySetup FindAccessKey(string id) =>
        _state.AccessKeys.Find(k => k.Id == id) ?? throw new ConsoleException("InvalidAccessKeyId.NotFound", "no such access key");

    private Instance FindInstance(string id) => _state.FindInstance(id) ?? throw new ConsoleException("InvalidInstanceId.NotFound", id);

    private static ConsoleException Rejection(ApiError error) => new(error.Code, error.Message);

    private void Change(Action change)
    {
        lock (_state.Gate)
        {
            _state.Settle();
            change();
            _state.Changed();
        }
    }
}
