using AliCloud.Simulator.Api;
using AliCloud.Simulator.Api.Actions;
using AliCloud.Simulator.State;
using AliCloud.Simulator.Worlds;

namespace AliCloud.Simulator.Control;

/// <summary>The console said no: a code of the API and its text.</summary>
public sealed class ConsoleRefusalException(string code, string message) : Exception($"{code}: {message}")
{
    public string Code => code;
}

/// <summary>
/// What people do to a cloud behind a program's back. Everything happens at once and unsigned; what is created is still validated.
/// Unknown ids and impossible wishes throw <see cref="ConsoleRefusalException"/>.
/// </summary>
public sealed class OperatorConsole
{
    private readonly CloudState _state;

    internal OperatorConsole(CloudState state) => _state = state;

    /// <returns>The id of the new entry.</returns>
    public string CreateRoute(string routeTableId, WorldRouteEntry route)
    {
        ArgumentNullException.ThrowIfNull(route);
        lock (_state.Gate)
        {
            _state.Settle();
            var table = _state.FindTable(routeTableId) ?? throw No(Refusals.UnknownTable);
            if (RouteRules.ParseDestination(route.DestinationCidrBlock, out var destination) is { } malformed) throw No(malformed);
            if (RouteRules.CheckDestination(table.Vpc, destination, strict: false) is { } bad) throw No(bad);
            if (route.NextHopType is "Instance" or "NetworkInterface"
                && RouteRules.CheckNextHop(_state, table.Vpc, new NextHop(route.NextHopType, route.NextHopId)) is { } unusable) throw No(unusable);
            if (table.Entries.Exists(e => e.Destination == destination)) throw No(Refusals.Duplicate);
            if (route is { Type: "Custom", ServiceType: null } && RouteRules.IsFull(_state, table)) throw No(Refusals.Quota);
            var entry = WorldBuilding.AddEntry(_state, table, route with { DestinationCidrBlock = destination.ToString() });
            _state.Changed();
            return entry.Id;
        }
    }

    public void DeleteRoute(string routeEntryId) =>
        Change(() => _state.Remove(_state.FindEntry(routeEntryId) ?? throw No(Refusals.UnknownEntryId)));

    public void DeleteRoute(string routeTableId, string destinationCidrBlock) => Change(() =>
    {
        var table = _state.FindTable(routeTableId) ?? throw No(Refusals.UnknownTable);
        _state.Remove(table.Entries.Find(e => e.Destination.ToString() == destinationCidrBlock) ?? throw No(Refusals.UnknownEntry));
    });

    /// <summary>Points the entry to another next hop, as somebody who hijacks it does.</summary>
    public void RepointRoute(string routeEntryId, string nextHopId, string nextHopType = "Instance") => Change(() =>
    {
        var entry = _state.FindEntry(routeEntryId) ?? throw No(Refusals.UnknownEntryId);
        var nextHop = new NextHop(nextHopType, nextHopId);
        if (nextHopType is "Instance" or "NetworkInterface" && RouteRules.CheckNextHop(_state, entry.Table.Vpc, nextHop) is { } unusable) throw No(unusable);
        _state.RepointNow(entry, nextHop);
    });

    /// <summary>The instance joins; its metadata listener is the affair of <see cref="SimulatedCloud"/>.</summary>
    internal void AddInstance(WorldInstance instance) => Change(() => WorldBuilding.AddInstance(_state, instance));

    /// <param name="force">Without it the instance stays while a route names it, as the cloud documents it.</param>
    internal void DeleteInstance(string instanceId, bool force) => Change(() =>
    {
        var instance = FindInstance(instanceId);
        var named = _state.Tables.SelectMany(t => t.Entries)
            .Any(e => e.NextHop.Id == instanceId || instance.Interfaces.Exists(i => i.Id == e.NextHop.Id));
        if (named && !force) throw new ConsoleRefusalException("DependencyViolation.RouteEntry", "Specified instance is used by route entry.");
        _state.Instances.Remove(instance);
    });

    public void SetHardenedMetadata(string instanceId, bool hardened) => Change(() => FindInstance(instanceId).HardenedMetadata = hardened);

    /// <summary>Credentials that were handed out already live on to their end.</summary>
    public void SetRamRole(string instanceId, string? roleName) => Change(() =>
    {
        if (roleName is not null && !_state.Roles.Exists(r => r.Name == roleName)) throw new ConsoleRefusalException("EntityNotExist.Role", roleName);
        FindInstance(instanceId).RamRole = roleName;
    });

    /// <summary>Makes the role if it is not there.</summary>
    public void SetDeniedActions(string roleName, IReadOnlyList<string> deniedActions) => Change(() =>
    {
        if (_state.Roles.Find(r => r.Name == roleName) is { } role) role.DeniedActions = deniedActions;
        else _state.Roles.Add(new Role(new WorldRole { Name = roleName, DeniedActions = deniedActions }, _state.AccountId));
    });

    public void SetTrustedBy(string roleName, IReadOnlyList<string> trustedBy) => Change(() => FindRole(roleName).TrustedBy = trustedBy);

    /// <summary>Every key that is out for the role is dead at once; the metadata service hands out new ones.</summary>
    public void RevokeSessions(string roleName) => Change(() =>
    {
        var role = FindRole(roleName);
        _state.Issued.RemoveAll(i => i.RoleName == role.Name);
        foreach (var instance in _state.Instances.Where(i => i.Credentials?.RoleName == role.Name)) instance.Credentials = null;
    });

    /// <summary>Makes the key, or replaces the one of this id.</summary>
    public void SetAccessKey(WorldAccessKey key)
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

    /// <summary>What the provider vouches for from now on; its earlier tokens are expired.</summary>
    public void SetOidcTokens(string providerName, IReadOnlyList<string> tokens) => Change(() =>
    {
        var provider = _state.OidcProviders.Find(p => p.Name == providerName) ?? throw new ConsoleRefusalException("EntityNotExist.OIDCProvider", providerName);
        provider.Expired.UnionWith(provider.Tokens);
        provider.Expired.ExceptWith(tokens);
        provider.Tokens = tokens;
    });

    public void SetSourceDestCheck(string networkInterfaceId, bool on) => Change(() =>
        (_state.FindInterface(networkInterfaceId) ?? throw No(Refusals.UnknownInterface)).SourceDestCheck = on);

    public void SetRouteTable(string vSwitchId, string routeTableId) => Change(() =>
    {
        var vSwitch = _state.VSwitches.FirstOrDefault(v => v.Id == vSwitchId) ?? throw No(Refusals.UnknownVSwitch);
        var table = vSwitch.Vpc.Tables.Find(t => t.Id == routeTableId) ?? throw No(Refusals.UnknownTable);
        vSwitch.Table = table.IsGateway ? throw No(Refusals.GatewayTable) : table;
    });

    public void AddRouteTable(string vpcId, WorldRouteTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        Change(() =>
        {
            var vpc = _state.FindVpc(vpcId) ?? throw No(Refusals.UnknownVpc);
            if (table is { RouteTableType: "System", AssociateType: "VSwitch" })
                throw new ConsoleRefusalException("InvalidParameter", "the VPC has its System table");
            WorldBuilding.AddTable(_state, vpc, table);
        });
    }

    public WorldSettings Settings
    {
        get
        {
            lock (_state.Gate) return _state.Settings;
        }
        set => Change(() => _state.Settings = value);
    }

    private Role FindRole(string name) => _state.Roles.Find(r => r.Name == name) ?? throw new ConsoleRefusalException("EntityNotExist.Role", name);

    private WorldAccessKey FindAccessKey(string id) =>
        _state.AccessKeys.Find(k => k.Id == id) ?? throw new ConsoleRefusalException("InvalidAccessKeyId.NotFound", "no such access key");

    private Instance FindInstance(string id) => _state.FindInstance(id) ?? throw new ConsoleRefusalException("InvalidInstanceId.NotFound", id);

    private static ConsoleRefusalException No(Refused refusal) => new(refusal.Code, refusal.Message);

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
