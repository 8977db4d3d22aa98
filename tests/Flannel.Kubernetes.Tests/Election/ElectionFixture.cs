using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Controller;
using Flannel.Kubernetes.Election;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Flannel.Kubernetes.Tests.Fixtures;

namespace Flannel.Kubernetes.Tests.Election;

/// <summary>Nodes that compete in one cluster, over a model of its API server.</summary>
public sealed class ElectionFixture(VirtualTime virtualTime)
{
    public const string Namespace = "kube-flannel";

    public static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly List<Candidate> candidates = [];

    public KubeServerModel Server { get; } = new(virtualTime.Time);

    public KubeLease? Lease => Server.Leases.SingleOrDefault(lease => lease.Name.Name == ControllerObjects.ElectionName);

    public string? Standby => Lease?.Annotations.GetValueOrDefault(ControllerObjects.StandbyAnnotation);

    /// <summary>The candidates whose term is not over by their own state.</summary>
    public IReadOnlyList<Candidate> Elected => [.. candidates.Where(candidate => candidate.IsElected)];

    public Candidate Add(int node) => Add(node, change: null);

    /// <param name="node">Its number.</param>
    /// <param name="change">Of the context; null for the usual one.</param>
    public Candidate Add(int node, Func<KubeControllerContext, KubeControllerContext>? change)
    {
        var candidate = new Candidate(virtualTime, Server, node, change);
        candidates.Add(candidate);
        return candidate;
    }

    /// <summary>Advances the time, and verifies after each step that at most one node is elected.</summary>
    public async Task AdvanceAsync(TimeSpan time)
    {
        for (var end = virtualTime.Time.GetUtcNow() + time; virtualTime.Time.GetUtcNow() < end;)
        {
            await virtualTime.AdvanceAsync(TimeSpan.FromMilliseconds(100));
            Assert.True(Elected.Count <= 1, $"elected: {string.Join(", ", Elected.Select(candidate => candidate.Name))}");
        }
    }

    /// <returns>The time until this candidate is elected.</returns>
    public Task<TimeSpan> UntilElectedAsync(Candidate candidate, TimeSpan? atMost = null) => virtualTime.UntilAsync(
        $"{candidate.Name} is elected",
        () =>
        {
            Assert.True(Elected.Count <= 1, "two are elected");
            return candidate.IsElected;
        },
        atMost ?? Minute);

    public Task UntilStandbyAsync(Candidate candidate) => virtualTime.UntilAsync(
        $"{candidate.Name} is the standby", () => Standby?.Contains($"\"{candidate.Self.InstanceId}\"", StringComparison.Ordinal) == true,
        TimeSpan.FromMinutes(10));
}

/// <summary>One node that observes, campaigns and holds its term until the test ends it.</summary>
public sealed class Candidate : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;

    public Candidate(
        VirtualTime virtualTime, KubeServerModel server, int node, Func<KubeControllerContext, KubeControllerContext>? change)
    {
        Name = $"n{node}";
        Self = new ControllerHolder($"i-{node}", $"192.168.0.{node}");
        Clock = new NodeClock(virtualTime.Time);
        Api = new ModelKubeApi(server);
        var kube = new KubeContext(
            Api, NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value, Clock, new Random(node), Logger);
        var usual = new KubeControllerContext(kube, ElectionFixture.Namespace);
        Context = change?.Invoke(usual) ?? usual;
        Election = new KubeElection(Context, Name, Self);
    }

    public string Name { get; }

    public ControllerHolder Self { get; }

    public NodeClock Clock { get; }

    public ModelKubeApi Api { get; }

    public RecordingLogger Logger { get; } = new();

    public KubeControllerContext Context { get; }

    public KubeElection Election { get; }

    public KubeTerm? Term { get; private set; }

    /// <summary>Whether the cloud's permissions allow it to be route controller.</summary>
    public bool MayControl { get; set; } = true;

    public int PermissionChecks { get; private set; }

    public bool? WasStandby { get; private set; }

    public bool IsElected => Term is { Lost.IsCancellationRequested: false };

    /// <summary>Observes and campaigns without end.</summary>
    public Candidate Start()
    {
        running = RunAsync();
        return this;
    }

    /// <summary>Observes, and ends when none is elected.</summary>
    public Candidate StartObserving()
    {
        running = ObserveAsync();
        return this;
    }

    /// <summary>As a stop of the daemon.</summary>
    public async Task StopAsync()
    {
        stop.Cancel();
        await running.ConfigureAwait(TaskWait.IgnoringFailure);
    }

    /// <summary>As a loss of power: none of its requests arrives any more, and its process does nothing.</summary>
    public void PowerOff()
    {
        Api.Fault = _ => ModelFault.RequestLost;
        Clock.Suspend();
        Term = null;
    }

    public void Dispose() => stop.Dispose();

    private Task<bool> CheckAsync()
    {
        PermissionChecks++;
        return Task.FromResult(MayControl);
    }

    private async Task ObserveAsync() => WasStandby = await Election.ObserveAsync(_ => CheckAsync(), stop.Token);

    private async Task RunAsync()
    {
        while (true)
        {
            await ObserveAsync();
            await using var term = await Election.CampaignAsync(stop.Token);
            Term = term;
            using var end = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, term.Lost);
            await Task.Delay(Timeout.InfiniteTimeSpan, Clock, end.Token).ConfigureAwait(TaskWait.IgnoringFailure);
        }
    }
}
