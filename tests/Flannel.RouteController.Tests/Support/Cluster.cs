using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Infrastructure;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Support;

/// <summary>A cluster in one VPC with one table, and its route controller, in virtual time.</summary>
internal sealed class Cluster : IDisposable
{
    public static readonly OwnershipMark Mark = OwnershipMark.Of(InMemoryTerm.OurCluster);
    private readonly CancellationTokenSource stop = new();

    /// <param name="cloud">The cloud of another cluster, to share it; null for a new one.</param>
    /// <param name="transitionTimes">How long writes took in an earlier term; null for none.</param>
    public Cluster(
        VirtualTime time, RouteControllerOptions? options = null, int seed = 1, InMemoryCloudApi? cloud = null,
        TransitionTimes? transitionTimes = null)
    {
        Time = time;
        Cloud = cloud ?? InMemoryCloudApi.WithOneTable(time);
        Leases = new InMemoryLeases();
        Term = new InMemoryTerm(time, Leases);
        Loops = new LivenessMonitor(time);
        TransitionTimes = transitionTimes ?? new TransitionTimes();
        Controller = new ClusterReconciler(
            options ?? new RouteControllerOptions([]), Leases, Cloud, new ControllerContext(time, new Random(seed), Log, Loops)
            {
                Observer = Passes,
                TransitionTimes = TransitionTimes,
            });
    }

    public VirtualTime Time { get; }
    public InMemoryCloudApi Cloud { get; }
    public InMemoryLeases Leases { get; }
    public LivenessMonitor Loops { get; }
    public InMemoryTerm Term { get; set; }
    public ClusterReconciler Controller { get; }
    public TransitionTimes TransitionTimes { get; }
    public RecordingLogger Log { get; } = new();

    public RecordedPasses Passes { get; } = new();

    /// <summary>The running term.</summary>
    public Task<TermResult> Running { get; private set; } = Task.FromResult<TermResult>(new TermResult.Stopped());

    /// <summary>Adds a route with the complete mark, as a controller of this cluster creates it.</summary>
    public InMemoryCloudApi.Entry AddMarked(string destination, string hop, string table = "vtb-1") =>
        Cloud.AddEntry(table, destination, hop, Mark.Token, Mark.Description);

    public static void Run(Func<Cluster, Task> test, RouteControllerOptions? options = null) => VirtualTime.Run(async time =>
    {
        using var cluster = new Cluster(time, options);
        await test(cluster);
        await cluster.StopAsync();
        Assert.Empty(cluster.Cloud.Violations);
    });

    public void Start() => Running = Controller.RunAsync(Term, stop.Token);

    public async Task<TermResult> StopAsync()
    {
        stop.Cancel();
        return await Running;
    }

    /// <summary>A node joins: adds its lease and its interface, whose source/destination check is on, as in new accounts.</summary>
    /// <param name="ipv6">The IPv6 subnet of a dual-stack node; null for none.</param>
    public void Join(string subnet, string instance, string vSwitch = "vsw-1", string vpc = "vpc-1", string? ipv6 = null)
    {
        Cloud.SourceDestChecks[$"eni-{instance}"] = true;
        Leases.Add(subnet, instance, vpc, vSwitch, ipv6: ipv6);
    }

    /// <summary>A node joins while the controller runs, and the controller then sees its lease end.</summary>
    public async Task JoinAndEndAsync(string subnet, string instance)
    {
        Join(subnet, instance);
        await UntilAvailable(subnet);
        Leases.Remove(subnet);
    }

    public RouteStatus? Status(string subnet) => Term.Statuses.ByKey.GetValueOrDefault(subnet.Replace('/', '-'))
        ?? Term.Statuses.ByKey.Values.FirstOrDefault(status => status.Subnet == subnet);

    /// <summary>The state of the IPv6 route of the node with this IPv4 subnet.</summary>
    public Ipv6RouteStatus? Ipv6(string subnet) => Status(subnet)?.Ipv6;

    public RouteState? State(string subnet) => Status(subnet)?.State;

    public Task UntilAvailable(params string[] subnets) => Time.Until(() => subnets.All(subnet => State(subnet) == RouteState.Available));

    public Task UntilState(string subnet, RouteState state) => Time.Until(() => State(subnet) == state);

    public string? Hop(string destination, string table = "vtb-1") => Cloud.Tables[table].At(destination)?.Hop.Id;

    public void Dispose()
    {
        stop.Dispose();
        Term.Dispose();
    }
}
