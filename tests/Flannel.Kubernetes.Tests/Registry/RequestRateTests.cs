using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Registry;

/// <summary>The requests of a large cluster to the API server.</summary>
public sealed class RequestRateTests : IDisposable
{
    private const int Nodes = 1000;

    private readonly KubeFixture fixture = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task A_thousand_nodes_that_restart_send_four_requests_each_and_write_nothing()
    {
        fixture.WriteConfig("""{"Network":"10.0.0.0/8","Backend":{"Type":"ali-vpc"}}""");
        var nodes = Enumerable.Range(0, Nodes).Select(number => new RestartingNode(fixture, number)).ToList();
        foreach (var node in nodes) await node.RestartAsync();
        await fixture.UntilAsync("all confirmed", () => nodes.All(node => node.IsConfirmed));
        await fixture.AdvanceAsync(TimeSpan.FromMinutes(4));
        Assert.All(nodes, node => Assert.Equal(
            [$"get nodes {node.Name}", $"list nodes {node.Name}", $"watch nodes {node.Name}"],
            node.Api.Requests.Select(request => request.ToString())));
        // The fourth is a read of the election.
        Assert.Equal(Nodes, fixture.Election.Reads);

        // Each node watches its own Node only.
        foreach (var node in nodes.Skip(1)) await node.DisposeAsync();
        fixture.Annotate(nodes[0].Name, fixture.Annotations.RouteStatus, "{}");
        await fixture.UntilAsync("the event", () => nodes[0].Statuses > 1);
        await nodes[0].DisposeAsync();
    }

    private sealed class RestartingNode : IAsyncDisposable
    {
        private readonly KubeFixture fixture;
        private readonly LeaseAttributes attributes;
        private EventCollector<LeaseEvent>? events;

        public RestartingNode(KubeFixture fixture, int number)
        {
            this.fixture = fixture;
            Name = $"n{number}";
            Api = new ModelKubeApi(fixture.Server);
            attributes = KubeFixture.AttributesOf($"i-{number}", $"192.168.{number / 256}.{number % 256}");
            fixture.CreateLeasedNode(Name, attributes, $"10.{24 + number / 256}.{number % 256}.0/24");
            fixture.Annotate(
                Name, fixture.Annotations.RouteStatus,
                KubeRouteStatus.ToAnnotation(KubeFixture.StatusOf(RouteState.Available, $"i-{number}")));
        }

        public string Name { get; }

        public ModelKubeApi Api { get; }

        public bool IsConfirmed => events!.Items.Count >= 2;

        public int Statuses => events!.Items.OfType<LeaseEvent.RouteStatusChanged>().Count();

        public async Task RestartAsync()
        {
            var manager = fixture.CreateManager(Name, Api);
            var request = KubeFixture.RequestOf(attributes);
            var state = await manager.WaitForConfigAsync(new ConfigRequest(_ => { }) { Owner = request.Owner }, null, Cancel);
            var held = Assert.IsType<AcquireResult.Held>(await manager.AcquireAsync(request, state, Cancel)).Lease;
            Assert.True(held.WasFound);
            events = new EventCollector<LeaseEvent>(stop => manager.HoldAsync(held, stop));
        }

        public ValueTask DisposeAsync() => events!.DisposeAsync();
    }
}
