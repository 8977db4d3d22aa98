using System.Diagnostics;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Kubernetes.Client.Objects;
using Flannel.Kubernetes.Model;
using Flannel.Kubernetes.Registry;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Fixtures;

/// <summary>A model of an API server with one node, a network configuration in a file, and virtual time.</summary>
public sealed class KubeFixture : IDisposable
{
    public const string NodeName = "n1";
    public const string Subnet = "10.24.5.0/24";
    public const string Config = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";
    public const string DualStackConfig =
        """{"Network":"10.24.0.0/16","EnableIPv6":true,"IPv6Network":"fd00:24::/48","Backend":{"Type":"ali-vpc"}}""";

    private const int MostSteps = 400;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-kube-");

    public KubeFixture()
    {
        Server = new KubeServerModel(Time);
        Api = new ModelKubeApi(Server);
        Context = new KubeContext(Api, Annotations, Time, new Random(1), Logger);
        NetConf = new NetConfFile(Path.Combine(folder.FullName, "net-conf.json"), Time);
        Manager = CreateManager(new KubeSubnetManagerOptions { NodeName = NodeName });
        WriteConfig(Config);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero));

    public KubeServerModel Server { get; }

    public ModelKubeApi Api { get; }

    public RecordingLogger Logger { get; } = new();

    public NodeAnnotations Annotations { get; } = NodeAnnotations.Create(NodeAnnotations.DefaultPrefix).Value;

    public KubeContext Context { get; }

    public NetConfFile NetConf { get; }

    public ElectionStub Election { get; } = new();

    public KubeSubnetManager Manager { get; }

    public KubeNode Node => Server.GetNode(NodeName);

    public IEnumerable<ModelRequest> Patches => Api.Requests.Where(request => request.Access.Verb == "patch");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public KubeSubnetManager CreateManager(KubeSubnetManagerOptions options) => new(Context, NetConf, Election, options);

    /// <summary>A manager of another process, for another node.</summary>
    public KubeSubnetManager CreateManager(string node, ModelKubeApi api) => new(
        new KubeContext(api, Annotations, Time, new Random(node.GetHashCode(StringComparison.Ordinal)), Logger), NetConf, Election,
        new KubeSubnetManagerOptions { NodeName = node });

    public void WriteConfig(string text) => File.WriteAllText(NetConf.Path, text);

    public static LeaseAttributes AttributesOf(string instance, string publicIp = "192.168.0.5") => new(
        Ipv4Address.Parse(publicIp), null, "ali-vpc", $$"""{"RegionId":"cn-hangzhou","VpcId":"vpc-1","InstanceId":"{{instance}}"}""", null);

    public static AcquireRequest RequestOf(LeaseAttributes attributes) => new(
        new LeaseOwner(attributes.PublicIp, null) { Instance = LeaseInstance.Read(attributes) }, _ => attributes);

    public Task<AcquireResult> AcquireAsync(LeaseAttributes? attributes = null) =>
        UntilAsync("acquired", Manager.AcquireAsync(RequestOf(attributes ?? AttributesOf("i-1")), null, Cancel));

    /// <summary>Creates the node, and acquires its lease.</summary>
    public async Task<HeldLease> HoldAsync(LeaseAttributes? attributes = null)
    {
        Server.CreateNode(NodeName, Subnet);
        return Assert.IsType<AcquireResult.Held>(await AcquireAsync(attributes)).Lease;
    }

    /// <summary>A node of another flanneld, with its annotations.</summary>
    public KubeNode CreateLeasedNode(string name, LeaseAttributes attributes, params IReadOnlyList<string> podCidrs)
    {
        var created = Server.CreateNode(name, podCidrs);
        return Server.ChangeNode(name, node => node with { Annotations = Merge(node, Annotations.Differences(created, attributes)) });
    }

    public void Annotate(string name, string annotation, string? value) => Server.ChangeNode(
        name, node => node with { Annotations = Merge(node, new Dictionary<string, string?> { [annotation] = value }) });

    public static RouteStatus StatusOf(RouteState state, string instance = "i-1") => new(
        Subnet, instance, ["vtb-1"], state, "", "", new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero));

    /// <summary>Advances the virtual time until the condition holds.</summary>
    public async Task UntilAsync(string what, Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Limit, $"not within {Limit.TotalSeconds} s: {what}");
            await Task.Delay(1, Cancel);
            Time.Advance(Step);
        }
    }

    public async Task<T> UntilAsync<T>(string what, Task<T> task)
    {
        await UntilAsync(what, () => task.IsCompleted);
        return await task;
    }

    /// <summary>Advances the virtual time in steps that let the other tasks run.</summary>
    public async Task AdvanceAsync(TimeSpan time)
    {
        var end = Time.GetUtcNow() + time;
        // A longer time in longer steps.
        var step = time / MostSteps > Step ? time / MostSteps : Step;
        while (Time.GetUtcNow() < end)
        {
            Time.Advance(step);
            await Task.Delay(1, Cancel);
        }
    }

    public void Dispose() => folder.Delete(recursive: true);

    private static Dictionary<string, string> Merge(KubeNode node, IReadOnlyDictionary<string, string?> changes)
    {
        var merged = node.Annotations.ToDictionary();
        foreach (var (name, value) in changes)
        {
            if (value is null) merged.Remove(name);
            else merged[name] = value;
        }

        return merged;
    }
}
