using Flannel.AliVpc;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd;
using Flannel.Etcd.Control;
using Flannel.Etcd.Leasing;
using Flanneld.Host;
using Flanneld.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld release</c>, for scale-in hooks: the node says in its lease that it leaves; the route controller deletes the route at once and
/// says so; then the lease goes. In this order nobody else is given the subnet while a route still leads here. A daemon that starts again meanwhile
/// takes it all back.</summary>
internal sealed class Release(DaemonOptions options, Connections connections, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Null when all that this node had is given back, also when it had nothing; else what is not.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        if (options.HealthzPort > 0 && await Healthcheck.AnswersAsync(options, cancellation).ConfigureAwait(false))
            return "the daemon still runs and would take a subnet again: stop it first (systemctl stop flanneld)";
        if (InterfaceSelection.OfThisHost().Select(options, out var error) is not { } selected) return error;
        try
        {
            var state = await connections.Registry.ReadAsync(cancellation).ConfigureAwait(false);
            var own = state.Leases.Where(lease => lease.Attributes.PublicIp == selected.PublicIp && IsOfThisBuild(lease)).ToList();
            if (own.Count == 0)
                await SayAsync($"{selected.PublicIp} has no lease at {options.EtcdKeys.Prefix}: nothing to give back").ConfigureAwait(false);
            string? problem = null;
            foreach (var lease in own) problem ??= await GiveBackAsync(lease, cancellation).ConfigureAwait(false);
            return problem ?? new SubnetFile(options.SubnetFile).Remove();
        }
        catch (EtcdException e)
        {
            return $"etcd: {e.Message}";
        }
    }

    private static bool IsOfThisBuild(Lease lease) =>
        lease.Attributes.BackendType is FlannelContract.AliVpcBackend or FlannelContract.AllocBackend;

    private async Task<string?> GiveBackAsync(Lease lease, CancellationToken cancellation)
    {
        string? problem = null;
        // Upstream's own nodes write their routes themselves, and nobody else takes them back.
        if (AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node)
        {
            var leaving = lease.Attributes with { BackendData = (node with { Released = true }).ToJson() };
            if (!node.Released)
            {
                if (await connections.Registry.ChangeAsync(lease, leaving, cancellation).ConfigureAwait(false) is not { } changed) return Interfered(lease);
                lease = changed;
            }

            problem = await WaitForRouteAsync(lease, node.InstanceId, cancellation).ConfigureAwait(false);
        }

        if (lease.IsReservation)
        {
            await SayAsync($"{lease.Subnet} is a reservation and stays one; delete {options.EtcdKeys.Subnets}{lease.Key} to end it").ConfigureAwait(false);
            return problem;
        }

        if (!await connections.Registry.GiveBackAsync(lease, cancellation).ConfigureAwait(false)) return Interfered(lease);
        await SayAsync($"{lease.Subnet} is given back").ConfigureAwait(false);
        return problem;
    }

    /// <summary>Null when the controller says that the route is gone.</summary>
    private async Task<string?> WaitForRouteAsync(Lease lease, string instanceId, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            var status = await RouteStatusStore.ReadAsync(connections.Etcd, options.EtcdKeys, lease.Key, cancellation).ConfigureAwait(false);
            if (status is { State: RouteState.Released } && status.SpeaksOf(lease.Subnet, instanceId)) return null;
            if (time.GetElapsedTime(began) >= options.ReleaseWait)
            {
                var controller = await Election.ReadHolderAsync(connections.Etcd, options.EtcdKeys, cancellation).ConfigureAwait(false);
                var reason = controller is null ? "there is no route controller now"
                    : status?.Message is { Length: > 0 } message ? $"the route controller {controller.InstanceId} says: {message}"
                    : $"the route controller {controller.InstanceId} has not said that it is gone";
                return $"the route of {lease.Subnet} may still stand after {options.ReleaseWait.TotalSeconds:0} s ({reason});"
                    + " the next controller collects it, a minute after it first misses the lease";
            }

            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
        }
    }

    private static string Interfered(Lease lease) => $"somebody wrote the lease of {lease.Subnet} meanwhile: a daemon that still runs? stop it and try again";

    private static Task SayAsync(string line) => Console.Out.WriteLineAsync(line);
}
