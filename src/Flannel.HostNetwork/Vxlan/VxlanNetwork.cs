using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Reads the host's VXLAN device and entries, and executes the plans. One caller.</summary>
public sealed class VxlanNetwork(IHostCommands commands, KernelSettings settings)
{
    private const string Ip = "ip";
    private const string Bridge = "bridge";

    private static readonly IpNetwork LinkLocal = IpNetwork.Parse("fe80::/10");

    /// <summary>The MAC address of the device with this name; null without a VXLAN device of this name.</summary>
    public async Task<Result<ObservedMac>> ReadMacAsync(string device, CancellationToken cancellation)
    {
        var observed = await ReadDeviceAsync(device, cancellation);
        return observed.Select(found => new ObservedMac(found.Device is { Kind: "vxlan" } existing ? existing.Mac : null));
    }

    /// <summary>Makes the device the desired one.</summary>
    /// <param name="address">This node's address on the device; null while it has no subnet.</param>
    /// <returns>What was done.</returns>
    public async Task<Result<VxlanDevicePlan>> EnsureDeviceAsync(
        VxlanDevice desired, IpAddress? address, IpNetwork network, CancellationToken cancellation)
    {
        var observed = await ReadDeviceAsync(desired.Name, cancellation);
        if (!observed.Ok) return Result.Failure(observed.Error);
        var plan = VxlanDevicePlan.Create(desired, observed.Value.Device, address, network);
        if (!plan.Ok) return plan;
        if (plan.Value.Ip.Count > 0)
        {
            var executed = await RunBatchAsync(Ip, plan.Value.Ip, cancellation);
            if (!executed.Ok) return Result.Failure(executed.Error);
            if (plan.Value.IsCreated) DisableRouterAdvertisements(desired.Name);
        }

        UseLooseReversePathFilter(desired.Name);
        return plan;
    }

    /// <summary>The entries of the device, and the routes inside the network.</summary>
    public async Task<Result<ObservedEntries>> ReadEntriesAsync(string device, IpNetwork network, CancellationToken cancellation)
    {
        var family = network.IsV6 ? "-6" : "-4";
        var neighbors = await ReadAsync(
            Ip, ["-json", family, "neighbor", "show", "dev", device], IprouteJson.ParseNeighbors, cancellation);
        if (!neighbors.Ok) return Result.Failure(neighbors.Error);
        var fdb = await ReadAsync(Bridge, ["-json", "fdb", "show", "dev", device], IprouteJson.ParseFdb, cancellation);
        if (!fdb.Ok) return Result.Failure(fdb.Error);
        var routes = await ReadAsync(
            Ip, ["-json", family, "route", "show", "table", "main", "root", network.ToString()], IprouteJson.ParseRoutes, cancellation);
        return routes.Select(found => new ObservedEntries(neighbors.Value, fdb.Value, found));
    }

    /// <summary>The networks that an interface reaches without a gateway, without that of link-local addresses.</summary>
    public async Task<Result<List<IpNetwork>>> ReadDirectNetworksAsync(string @interface, CancellationToken cancellation)
    {
        var observed = await ReadDeviceAsync(@interface, cancellation);
        return observed.Select<List<IpNetwork>>(
            found => [.. found.Device?.Addresses.Select(each => new IpNetwork(each.Address, each.PrefixLength))
                .Where(network => !LinkLocal.Contains(network)) ?? []]);
    }

    /// <summary>Executes a plan: three batches at most. A line that fails does not stop the others.</summary>
    /// <returns>Fails with the first error.</returns>
    public async Task<Result<Unit>> ApplyAsync(VxlanPlan plan, CancellationToken cancellation)
    {
        var bridge = await RunBatchAsync(Bridge, plan.Bridge, cancellation);
        var ip = await RunBatchAsync(Ip, plan.Ip, cancellation);
        var after = await RunBatchAsync(Bridge, plan.BridgeAfter, cancellation);
        if (!bridge.Ok) return bridge;
        return ip.Ok ? after : ip;
    }

    private async Task<Result<ObservedDeviceOrNone>> ReadDeviceAsync(string device, CancellationToken cancellation)
    {
        var printed = await commands.RunAsync(
            Ip, ["-json", "-details", "address", "show", "dev", device], "", cancellation);
        if (!printed.Ok)
        {
            return IprouteErrors.IsMissingDevice(printed.Error)
                ? new ObservedDeviceOrNone(null)
                : Result.Failure(printed.Error);
        }

        return IprouteJson.ParseDevice(printed.Value).Select(found => new ObservedDeviceOrNone(found)).WithErrorPrefix($"{Ip}: ");
    }

    private async Task<Result<T>> ReadAsync<T>(
        string program, IReadOnlyList<string> arguments, Func<string, Result<T>> parse, CancellationToken cancellation) where T : notnull
    {
        var printed = await commands.RunAsync(program, arguments, "", cancellation);
        return printed.Ok ? parse(printed.Value).WithErrorPrefix($"{program}: ") : Result.Failure(printed.Error);
    }

    private async Task<Result<Unit>> RunBatchAsync(string program, IReadOnlyList<string> lines, CancellationToken cancellation)
    {
        if (lines.Count == 0) return Unit.Instance;
        var executed = await commands.RunAsync(
            program, ["-force", "-batch", "-"], string.Join('\n', lines) + "\n", cancellation);
        return executed.Select(_ => Unit.Instance);
    }

    /// <summary>As upstream does: no peer may configure this host by IPv6 router advertisements. The kernel's default stays where
    /// /proc/sys is read-only, and a kernel without IPv6 has no such setting.</summary>
    private void DisableRouterAdvertisements(string device) =>
        settings.Write($"net.ipv6.conf.{KernelSettings.NameOfInterface(device)}.accept_ra", "0");

    /// <summary>While a route moves between the tunnel and the VPC, packets may arrive through the tunnel whose replies take the VPC's
    /// route. The strict filter would drop them. The kernel's default stays where /proc/sys is read-only.</summary>
    private void UseLooseReversePathFilter(string device)
    {
        var name = ContainerSettings.ReversePathFilterOf(device);
        if (settings.Read(name) is { } value && value != ContainerSettings.LooseReversePath)
            settings.Write(name, ContainerSettings.LooseReversePath);
    }

    private sealed record ObservedDeviceOrNone(ObservedDevice? Device);
}

/// <param name="Mac">Null without a device.</param>
public sealed record ObservedMac(MacAddress? Mac);
