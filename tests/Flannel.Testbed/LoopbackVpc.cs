using System.Globalization;

namespace Flannel.Testbed;

/// <summary>The simulated cloud, etcd and daemons on the loopback of this machine: needs no root, has no data path.</summary>
public sealed class LoopbackVpc : TestVpc
{
    private readonly SimulatorProcess cloud;
    private readonly EtcdServer etcd;
    private readonly IReadOnlyList<EcsInstance> instances;

    private LoopbackVpc(CloudSetup setup, RunFolder folder, SimulatorProcess cloud, EtcdServer etcd, string reason) : base(setup, folder)
    {
        (this.cloud, this.etcd, NoDataPath) = (cloud, etcd, reason);
        instances = [.. setup.Instances.Select(Make)];
    }

    public override SimulatorProcess Cloud => cloud;

    public override EtcdServer Etcd => etcd;

    public override IReadOnlyList<EcsInstance> Instances => instances;

    public override string? NoDataPath { get; }

    public static async Task<LoopbackVpc> StartAsync(CloudSetup setup, CancellationToken cancel, string reason = "loopback was requested")
    {
        var folder = new RunFolder("loopback");
        var etcd = EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), cancel);
        var cloud = SimulatorProcess.StartAsync(setup, folder, null, null, "http://127.0.0.1:0", "http://127.0.0.1:0", cancel);
        return new LoopbackVpc(setup, folder, await cloud, await etcd, reason);
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var instance in instances)
        {
            await instance.DisposeAsync();
        }
        await etcd.DisposeAsync();
        await cloud.DisposeAsync();
        try
        {
            SecretScanner.AssertNoneInFolder(Folder.Path, EtcdHoldsSecret);
        }
        finally
        {
            Folder.Dispose();
        }
    }

    private EcsInstance Make(InstanceSetup facts)
    {
        var publicIp = string.Create(CultureInfo.InvariantCulture, $"127.0.0.{10 + facts.Number}");
        return new EcsInstance(facts, Folder, publicIp,
        [
            $"--etcd-endpoints={etcd.Endpoint.GetLeftPart(UriPartial.Authority)}", "--iface=lo", $"--public-ip={publicIp}",
            $"--metadata-endpoint={cloud.MetadataByInstance[facts.InstanceId].TrimEnd('/')}",
            $"--vpc-endpoint={cloud.Api.GetLeftPart(UriPartial.Authority)}",
            $"--ecs-endpoint={cloud.Api.GetLeftPart(UriPartial.Authority)}",
            $"--sts-endpoint={cloud.Api.GetLeftPart(UriPartial.Authority)}",
        ], null);
    }
}
