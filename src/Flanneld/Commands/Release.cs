using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.RouteController.Planning;
using Flanneld.Clients;
using Flanneld.Commands.Output;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Commands;

/// <summary><c>flanneld release</c>, for scale-in hooks: the command marks the node's leases as released, waits until the route controller
/// has deleted the routes, and then deletes the leases. In this order no other node gets a subnet whose route still leads to this node. A
/// daemon that starts meanwhile takes the leases back.</summary>
/// <param name="stateDirectory">systemd's, which holds the remembered subnet; null without one.</param>
internal sealed class Release(DaemonOptions options, Connections connections, TimeProvider time, string? stateDirectory)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly List<string> problems = [];

    /// <summary>How long to wait for the deletion of a route; null for not at all. With <c>--force</c> only if <c>--wait</c> is
    /// given.</summary>
    private TimeSpan? WaitTime => options.ReleaseWait ?? (options.Force ? null : OptionDefaults.ReleaseWait);

    /// <returns>Success when all leases of this node are released, also if it had none.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        using var held = Lock();
        if (problems.Count > 0) return Result.Failure(problems[0]);
        var selected = InterfaceSelection.OfThisHost().Select(options);
        var released = selected.Ok
            ? await StoreErrors.ToResultAsync(() => ReleaseLeasesAsync(selected.Value, cancellation))
            : Result.Failure(selected.Error);
        if (!released.Ok) problems.Add(released.Error);
        // The host must not use the subnet even if the release failed; a running daemon may have written the file again.
        RemoveFiles();
        return problems.Count == 0 ? Unit.Instance : Result.Failure(string.Join("; ", problems.Distinct()));
    }

    private async Task<Result<Unit>> ReleaseLeasesAsync(SelectedInterface selected, CancellationToken cancellation)
    {
        var state = await Progress.RunAsync(connections.Store.Description, connections.Subnets.ReadAsync(cancellation));
        var own = await FindOwnAsync(state, selected, cancellation);
        if (own.Count == 0 && problems.Count == 0)
            await PrintAsync($"{selected.PublicIp} has no lease at {connections.Store.Location}: nothing to release");
        // Before the first lease is marked, which deletes its route: a command that is killed while it waits leaves no file.
        if (own.Count > 0) RemoveFiles();
        foreach (var lease in own)
        {
            var released = await ReleaseAsync(lease, cancellation);
            if (!released.Ok) problems.Add(released.Error);
        }

        return Unit.Instance;
    }

    private async Task<List<Lease>> FindOwnAsync(SubnetState state, SelectedInterface selected, CancellationToken cancellation)
    {
        // In Kubernetes, the name of the node says which lease it is.
        if (connections.Store is KubernetesClusterStore { NodeName: not null } store)
            return store.FindOwnLease(state, selected.PublicIp) is { } found && IsOfThisBuild(found) ? [found] : [];
        var owner = await IdentifyAsync(state, selected, cancellation);
        return [.. state.Leases.Where(lease => IsOfThisBuild(lease) && IsOwn(lease, owner))];
    }

    private static bool IsOfThisBuild(Lease lease) =>
        lease.Attributes.BackendType is FlannelContract.AliVpcBackend or FlannelContract.AllocBackend or FlannelContract.VxlanBackend;

    /// <summary>Prevents a daemon from starting meanwhile. Null where nothing is locked.</summary>
    private SubnetFileLock? Lock()
    {
        switch (SubnetFileLock.TakeExisting(options.SubnetFile, "release"))
        {
            case LockResult.Taken taken:
                return taken.Lock;
            case LockResult.Busy busy when !options.Force:
                problems.Add($"{busy.Holder} runs on this host and would lose its subnet:"
                    + " stop it first (systemctl stop flanneld), or use --force");
                return null;
            case LockResult.Unavailable unavailable when !options.Force:
                problems.Add($"cannot determine whether the daemon runs: {unavailable.Reason};"
                    + " run this as root or as the daemon's user, or use --force");
                return null;
            default:
                return null;
        }
    }

    private async Task<LeaseOwner> IdentifyAsync(SubnetState state, SelectedInterface selected, CancellationToken cancellation)
    {
        var owner = new LeaseOwner(selected.PublicIp, null);
        if (state.Leases.All(lease => LeaseInstance.Read(lease.Attributes) is null)) return owner;
        var reading = new InstanceIdentityReader(connections.Metadata).ReadAsync(selected.Interface.Mac, cancellation);
        var result = await Progress.RunAsync("the metadata service to identify this instance", reading);
        return result is InstanceIdentityResult.Identity { Value: var self }
            ? owner with { Instance = new LeaseInstance(self.InstanceId, self.VpcId) }
            : owner;
    }

    /// <summary>A lease with this node's address that names another instance is not released.</summary>
    private bool IsOwn(Lease lease, LeaseOwner owner)
    {
        var ownership = owner.Classify(lease);
        if (ownership == LeaseOwnerKind.AddressInUse && owner.Instance is null)
        {
            problems.Add($"{lease.Subnet} not released: the metadata service is unavailable, so this may not be"
                + $" {LeaseInstance.Read(lease.Attributes)?.Id}, which holds it;"
                + $" retry when the service is available, or delete it: {connections.Subnets.DeletionCommand(lease.Key)}");
        }

        return ownership == LeaseOwnerKind.Own;
    }

    private async Task<Result<Unit>> ReleaseAsync(Lease lease, CancellationToken cancellation)
    {
        Result<Unit> routeDeleted = Unit.Instance;
        // Upstream's nodes write and delete their routes themselves.
        if (AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node)
        {
            if (!node.Released)
            {
                var released = lease.Attributes with { BackendData = (node with { Released = true }).ToJson() };
                var changed = await connections.Subnets.UpdateAsync(lease, released, cancellation);
                if (changed is null) return ChangedMeanwhile(lease);
                lease = changed;
            }

            // A Node outlives its annotations: without the mark, the route would stay until the Node is deleted.
            var staysMarked = connections.Store is KubernetesClusterStore;
            if (WaitTime is { } wait) routeDeleted = await WaitForRouteDeletionAsync(lease, node.InstanceId, wait, cancellation);
            else if (!staysMarked)
                await PrintAsync($"not waiting until the route of {lease.Subnet} is deleted: a route controller deletes it later");
            if (staysMarked && (WaitTime is null || !routeDeleted.Ok))
            {
                await PrintAsync($"{lease.Subnet} is marked as released: the next route controller deletes its route");
                return routeDeleted;
            }
        }

        if (lease.IsReservation)
        {
            await PrintAsync($"{lease.Subnet} is a reservation and is kept; to end it: {connections.Subnets.DeletionCommand(lease.Key)}");
            return routeDeleted;
        }

        if (!await connections.Subnets.ReleaseAsync(lease, cancellation)) return ChangedMeanwhile(lease);
        await PrintAsync(connections.Store is KubernetesClusterStore
            ? $"{lease.Subnet} is released: the node has no route, and keeps its podCIDR until it is deleted"
            : $"{lease.Subnet} is released");
        return routeDeleted;
    }

    /// <returns>Success when the route controller reports that the route is deleted.</returns>
    private async Task<Result<Unit>> WaitForRouteDeletionAsync(
        Lease lease, string instanceId, TimeSpan wait, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        for (var isFirst = true; ; isFirst = false)
        {
            var status = await connections.Subnets.ReadRouteStatusAsync(lease.Key, cancellation);
            if (status is { State: RouteState.Released } && status.IsFor(lease.Subnet, instanceId)) return Unit.Instance;
            var isOver = time.GetElapsedTime(began) >= wait;
            if (isFirst || isOver)
            {
                var controller = await connections.Subnets.ReadControllerAsync(cancellation);
                if (isOver) return Result.Failure(DescribeTimeout(lease, wait, status, controller));
                var by = controller is null ? "a route controller: none is elected now" : $"the route controller {controller.InstanceId}";
                await PrintAsync(
                    $"waiting up to {wait.TotalSeconds:0} s until the route of {lease.Subnet} is deleted by {by}");
            }

            await Task.Delay(PollInterval, time, cancellation);
        }
    }

    private static string DescribeTimeout(Lease lease, TimeSpan wait, RouteStatus? status, ControllerHolder? controller)
    {
        var reason = "no route controller is elected";
        if (controller is not null)
        {
            reason = $"the route controller {controller.InstanceId} "
                + (status?.Message is { Length: > 0 } message ? $"reports: {message}" : "has not reported its deletion");
        }

        return $"the route of {lease.Subnet} may still exist after {wait.TotalSeconds:0} s ({reason});"
            + " a route controller deletes it as stale later";
    }

    private void RemoveFiles()
    {
        ISubnetFile subnetFile = new SubnetFile(options.SubnetFile);
        if (options.InstallCni is { } directory)
            subnetFile = new ConflistSubnetFile(subnetFile, new ConflistFile(directory, source: null, NullLogger.Instance));
        var lastSubnet = new LastSubnetFile(options.SubnetFile, stateDirectory);
        foreach (var result in new[] { subnetFile.Remove(), lastSubnet.Remove() })
        {
            if (!result.Ok) problems.Add(result.Error);
        }
    }

    private static Failure ChangedMeanwhile(Lease lease) =>
        Result.Failure($"the lease of {lease.Subnet} was changed meanwhile; make sure that no daemon runs, and retry");

    private static Task PrintAsync(string line) => Console.Out.WriteLineAsync(line);
}
