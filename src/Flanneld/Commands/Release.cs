using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;
using Flanneld.Host;
using Flanneld.Host.Interfaces;
using Flanneld.Options;

namespace Flanneld.Commands;

/// <summary><c>flanneld release</c>, for scale-in hooks: the node marks its leases as released; the route controller deletes the routes at
/// once and reports it; then the leases are deleted. In this order nobody else is given a subnet while its route still leads here. A daemon
/// that starts again meanwhile takes it all back.</summary>
/// <param name="stateDirectory">systemd's, for the subnet that was remembered; null without one.</param>
internal sealed class Release(DaemonOptions options, Connections connections, TimeProvider time, string? stateDirectory)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    // What takes longer is announced.
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(1);

    private readonly List<string> problems = [];

    /// <summary>Null when all that this node had is released, also when it had nothing; else what is not.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        using var held = Lock();
        if (problems.Count > 0) return problems[0];
        if (InterfaceSelection.OfThisHost().Select(options, out var error) is { } selected)
            await ReleaseLeasesAsync(selected, cancellation);
        else problems.Add(error);
        // Whatever became of the leases, this host is not to use the subnet any more; a daemon beside this may have written the file again.
        RemoveFiles();
        return problems.Count == 0 ? null : string.Join("; ", problems.Distinct());
    }

    private async Task ReleaseLeasesAsync(SelectedInterface selected, CancellationToken cancellation)
    {
        try
        {
            var reading = connections.Registry.ReadAsync(cancellation);
            var state = await AnnounceAsync(reading, $"waiting for etcd at {options.EtcdEndpoints}");
            var owner = await IdentifyAsync(state, selected, cancellation);
            var own = state.Leases.Where(lease => IsOfThisBuild(lease) && IsOwn(lease, owner)).ToList();
            if (own.Count == 0 && problems.Count == 0)
                await SayAsync($"{selected.PublicIp} has no lease at {options.EtcdKeys.Prefix}: nothing to release");
            // Before the first mark, by which the route goes: a command that is ended while it waits has left no file behind.
            if (own.Count > 0) RemoveFiles();
            foreach (var lease in own)
            {
                if (await ReleaseAsync(lease, cancellation) is { } problem) problems.Add(problem);
            }
        }
        catch (EtcdException e)
        {
            problems.Add($"etcd: {e.Message}");
        }
    }

    private static bool IsOfThisBuild(Lease lease) =>
        lease.Attributes.BackendType is FlannelContract.AliVpcBackend or FlannelContract.AllocBackend;

    /// <summary>So that no daemon starts meanwhile. Null where nothing is locked.</summary>
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
                problems.Add($"cannot see whether the daemon runs: {unavailable.Reason};"
                    + " run this as root or as the daemon's user, or use --force");
                return null;
            default:
                return null;
        }
    }

    private async Task<LeaseOwner> IdentifyAsync(RegistryState state, SelectedInterface selected, CancellationToken cancellation)
    {
        var owner = new LeaseOwner(selected.PublicIp, null);
        if (state.Leases.All(lease => LeaseInstance.Read(lease.Attributes) is null)) return owner;
        var asking = new InstanceIdentityReader(connections.Metadata).ReadAsync(selected.Interface.Mac, cancellation);
        return await AnnounceAsync(asking, "waiting for the metadata service to say which instance this is")
            is InstanceIdentityResult.Identity { Value: var self }
            ? owner with { Instance = new LeaseInstance(self.InstanceId, self.VpcId) }
            : owner;
    }

    /// <summary>A lease with this node's address that names another instance is not touched.</summary>
    private bool IsOwn(Lease lease, LeaseOwner owner)
    {
        var ownership = owner.Judge(lease);
        if (ownership == LeaseOwnerKind.AddressInUse && owner.Instance is null)
        {
            problems.Add($"{lease.Subnet} not released: the metadata service does not say whether this is"
                + $" {LeaseInstance.Read(lease.Attributes)?.Id}, which holds it; try again when the service answers, or delete the key with etcdctl");
        }

        return ownership == LeaseOwnerKind.Own;
    }

    private async Task<string?> ReleaseAsync(Lease lease, CancellationToken cancellation)
    {
        string? problem = null;
        // Upstream's own nodes write their routes themselves, and nobody else takes them back.
        if (AliVpcBackendData.Parse(lease.Attributes.BackendData) is { } node)
        {
            var leaving = lease.Attributes with { BackendData = (node with { Released = true }).ToJson() };
            if (!node.Released)
            {
                if (await connections.Registry.ChangeAsync(lease, leaving, cancellation) is not { } changed) return Interfered(lease);
                lease = changed;
            }

            problem = await WaitForRouteAsync(lease, node.InstanceId, cancellation);
        }

        if (lease.IsReservation)
        {
            await SayAsync($"{lease.Subnet} is a reservation and stays one; delete {options.EtcdKeys.Subnets}{lease.Key} to end it");
            return problem;
        }

        if (!await connections.Registry.GiveBackAsync(lease, cancellation)) return Interfered(lease);
        await SayAsync($"{lease.Subnet} is released");
        return problem;
    }

    /// <summary>Null when the controller reports that the route is gone.</summary>
    private async Task<string?> WaitForRouteAsync(Lease lease, string instanceId, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        for (var isFirst = true; ; isFirst = false)
        {
            var status = await RouteStatusStore.ReadAsync(connections.Etcd, options.EtcdKeys, lease.Key, cancellation);
            if (status is { State: RouteState.Released } && status.SpeaksOf(lease.Subnet, instanceId)) return null;
            var isOver = time.GetElapsedTime(began) >= options.ReleaseWait;
            if (isFirst || isOver)
            {
                var controller = await EtcdElection.ReadHolderAsync(connections.Etcd, options.EtcdKeys, cancellation);
                if (isOver) return StillThere(lease, status, controller);
                var by = controller is null ? "a route controller: none is elected now" : $"the route controller {controller.InstanceId}";
                await SayAsync($"waiting up to {options.ReleaseWait.TotalSeconds:0} s until the route of {lease.Subnet} is deleted by {by}");
            }

            await Task.Delay(Pause, time, cancellation);
        }
    }

    private string StillThere(Lease lease, RouteStatus? status, ControllerHolder? controller)
    {
        var reason = "there is no route controller now";
        if (controller is not null)
        {
            reason = $"the route controller {controller.InstanceId} "
                + (status?.Message is { Length: > 0 } message ? $"reports: {message}" : "has not reported that it is gone");
        }

        return $"the route of {lease.Subnet} may still exist after {options.ReleaseWait.TotalSeconds:0} s ({reason});"
            + " a route controller deletes it as stale later";
    }

    private void RemoveFiles()
    {
        var lastSubnet = new LastSubnetFile(options.SubnetFile, stateDirectory);
        FileResult[] results = [new SubnetFile(options.SubnetFile).Remove(), lastSubnet.Forget()];
        problems.AddRange(results.OfType<FileResult.Failed>().Select(failed => failed.Error));
    }

    private async Task<T> AnnounceAsync<T>(Task<T> answer, string line)
    {
        await Task.WhenAny(answer, Task.Delay(Prompt, time));
        if (!answer.IsCompleted) await SayAsync(line);
        return await answer;
    }

    private static string Interfered(Lease lease) =>
        $"the lease of {lease.Subnet} was changed meanwhile: is a daemon still running? stop it and try again";

    private static Task SayAsync(string line) => Console.Out.WriteLineAsync(line);
}
