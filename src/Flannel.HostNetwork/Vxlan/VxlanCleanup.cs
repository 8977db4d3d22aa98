using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Removes flanneld's routes and devices of backend vxlan from this host. Those of other programs stay.</summary>
/// <param name="ownSubnet">This node's subnet; null if it is not known.</param>
public sealed class VxlanCleanup(IHostCommands commands, Ipv4Network? ownSubnet)
{
    private const string Ip = "ip";
    private const string Ipv4 = "-4";
    private const string Ipv6 = "-6";

    /// <returns>What was removed, one line each; empty if there was nothing.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<Result<IReadOnlyList<string>>> RemoveAsync(CancellationToken cancellation)
    {
        var devices = await ReadAsync(
            ["-json", "-details", "address", "show", "type", "vxlan"], IprouteJson.ParseVxlanDevices, cancellation);
        if (!devices.Ok) return Result.Failure(devices.Error);
        List<string> removed = [];
        List<ExistingRoute> routes = [];
        foreach (var family in new[] { Ipv4, Ipv6 })
        {
            var read = await ReadAsync([family, "-json", "route", "show", "table", "main"], IprouteJson.ParseExistingRoutes, cancellation);
            // A kernel without IPv6 has no such routes.
            if (!read.Ok && family == Ipv6) continue;
            if (!read.Ok) return Result.Failure(read.Error);
            routes.AddRange(read.Value);
            var own = read.Value.Where(route => route.IsOwn).ToList();
            if (own.Count == 0) continue;
            var deleted = await RunBatchAsync(family, own.Select(route => route.DeleteLine), cancellation);
            if (!deleted.Ok) return Result.Failure(deleted.Error);
            removed.Add($"vxlan: {Plural.Of(own.Count, "route")}");
        }

        var names = VxlanOwnership.FindOwn(devices.Value, routes, ownSubnet);
        if (names.Count == 0) return removed;
        var dropped = await RunBatchAsync(Ipv4, names.Select(name => $"link delete {name}"), cancellation);
        if (!dropped.Ok) return Result.Failure(dropped.Error);
        return (List<string>)[.. removed, .. names.Select(name => $"vxlan: device {name}")];
    }

    private async Task<Result<List<T>>> ReadAsync<T>(
        IReadOnlyList<string> arguments, Func<string, Result<List<T>>> parse, CancellationToken cancellation)
    {
        var printed = await commands.RunAsync(Ip, arguments, "", cancellation);
        return printed.Ok ? parse(printed.Value).WithErrorPrefix($"{Ip}: ") : Result.Failure(printed.Error);
    }

    private Task<Result<string>> RunBatchAsync(string family, IEnumerable<string> lines, CancellationToken cancellation) =>
        commands.RunAsync(Ip, [family, "-force", "-batch", "-"], string.Join('\n', lines) + "\n", cancellation);
}
