using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.RouteController.Abstractions;
using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Tests.Support;

/// <summary>A cluster in one VPC with one table, a route controller, and everything it meets, in virtual time.</summary>
internal sealed class Cluster : IDisposable
{
    public static readonly OwnershipMark Mark = OwnershipMark.Of(InMemoryTerm.OurCluster);
    private readonly CancellationTokenSource stop = new();

    /// <param name="cloud">Where another cluster lives already; null for one of its own.</param>
    public Cluster(VirtualTime time, RouteControllerOptions? options = null, int seed = 1, InMemoryCloudApi? cloud = null)
    {
        Time = time;
        Cloud = cloud ?? new InMemoryCloudApi(time);
        if (cloud is null)
        {
            Cloud.AddTable("vpc-1", "vtb-1");
            Cloud.AddVSwitch("vsw-1", "vpc-1", "vtb-1");
        }

        Leases = new InMemoryLeases();
        Term = new InMemoryTerm(time, Leases);
        Loops = new LivenessMonitor(time);
        Controller = new ClusterReconciler(
            options ?? new RouteControllerOptions([]), Leases, Cloud, time, new Random(seed), Log, Loops);
    }

    public VirtualTime Time { get; }
    public InMemoryCloudApi Cloud { get; }
    public InMemoryLeases Leases { get; }
    public LivenessMonitor Loops { get; }
    public InMemoryTerm Term { get; set; }
    public ClusterReconciler Controller { get; }
    public RecordingLogger Log { get; } = new();

    /// <summary>The running term.</summary>
    public Task<TermResult> Running { get; private set; } = Task.FromResult<TermResult>(new TermResult.Stopped());

    /// <summary>A route with the whole mark, as a controller of this cluster makes it.</summary>
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

    /// <summary>A node boots: its lease and its interface, whose check is on as on new accounts.</summary>
    public void Join(string subnet, string instance, string vSwitch = "vsw-1", string vpc = "vpc-1")
    {
        Cloud.SourceDestChecks[$"eni-{instance}"] = true;
        Leases.Add(subnet, instance, vpc, vSwitch);
    }

    /// <summary>A node that joins while the controller works, and whose lease the controller then sees end.</summary>
    public async Task JoinAndEndAsync(string subnet, string instance)
    {
        Join(subnet, instance);
        await UntilAvailable(subnet);
        Leases.Remove(subnet);
    }

    public RouteStatus? Status(string subnet) => Term.Statuses.ByKey.GetValueOrDefault(subnet.Replace('/', '-'));

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
