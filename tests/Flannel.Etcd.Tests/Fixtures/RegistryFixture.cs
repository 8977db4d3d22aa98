using System.Text;
using Etcdserverpb;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Election;
using Flannel.Etcd.Registry;
using Google.Protobuf;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Tests.Fixtures;

/// <summary>One prefix in an etcd, and actions of an operator and of other nodes on it.</summary>
public sealed class RegistryFixture
{
    public const string DefaultPrefix = "/coreos.com/network";
    public const string Config = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    public RegistryFixture(IEtcd etcd, string prefix = DefaultPrefix, RecordingLogger? logger = null, TimeProvider? time = null)
    {
        Etcd = new InstrumentedEtcd(etcd);
        Direct = etcd;
        Keys = EtcdKeys.Parse(prefix).Value;
        Logger = logger ?? new RecordingLogger();
        Time = time ?? TimeProvider.System;
        // Not a fixed seed: the ids of etcd leases come from it, and the etcd is shared.
        Context = new EtcdContext(Etcd, Keys, Time, new Random(), Logger) { Observer = Observer };
        Manager = NewManager();
    }

    /// <summary>For the code under test.</summary>
    public InstrumentedEtcd Etcd { get; }

    /// <summary>For the test itself: requests are neither recorded nor failed.</summary>
    public IEtcd Direct { get; }

    public EtcdKeys Keys { get; }
    public RecordingLogger Logger { get; }
    public TimeProvider Time { get; }
    public RecordingObserver Observer { get; } = new();
    public EtcdContext Context { get; }
    public EtcdSubnetManager Manager { get; }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public EtcdSubnetManager NewManager(TimeSpan? leaseTime = null) =>
        new(Context with { Random = new Random() }, new EtcdSubnetManagerOptions { LeaseTime = leaseTime ?? FlannelContract.LeaseTime });

    /// <summary>Each address is that of an instance of its own: i-1 of 192.168.0.1.</summary>
    public static LeaseAttributes Attributes(string publicIp, string? instance = null) =>
        new(Ipv4Address.Parse(publicIp), null, "ali-vpc", $$"""{"InstanceId":"{{instance ?? InstanceOf(publicIp)}}"}""", null);

    private static string InstanceOf(string publicIp)
    {
        const string nodes = "192.168.0.";
        return "i-" + (publicIp.StartsWith(nodes, StringComparison.Ordinal) ? publicIp[nodes.Length..] : publicIp.Replace('.', '-'));
    }

    public static AcquireRequest Request(string publicIp, string? previous = null,
        Func<NetworkConfig, LeaseAttributes?>? attributes = null) =>
        new(Owner(publicIp, previous), attributes ?? (_ => Attributes(publicIp)));

    public static LeaseOwner Owner(string publicIp, string? previous = null) =>
        new(Ipv4Address.Parse(publicIp), previous is null ? null : Ipv4Network.Parse(previous));

    public async Task<AcquireResult> TryAcquireAsync(AcquireRequest request, EtcdSubnetManager? manager = null) =>
        await Eventually.WithinAsync("a subnet is acquired", (manager ?? Manager).AcquireAsync(request, null, Cancel));

    public async Task<HeldLease> AcquireAsync(string publicIp, string? previous = null, EtcdSubnetManager? manager = null)
    {
        var result = await TryAcquireAsync(Request(publicIp, previous), manager);
        return Assert.IsType<AcquireResult.Held>(result).Lease;
    }

    internal LeaseKeeper Keeper(HeldLease held, TimeSpan? margin = null, TimeSpan? leaseTime = null, LivenessMonitor? loops = null) =>
        new(
            Context with { Random = new Random() },
            new EtcdSubnetManagerOptions
            {
                RenewMargin = margin ?? EtcdSubnetManagerOptions.DefaultRenewMargin,
                LeaseTime = leaseTime ?? FlannelContract.LeaseTime,
            },
            loops ?? new LivenessMonitor(Time), held);

    /// <summary>Holds a lease, and returns when it is confirmed.</summary>
    public async Task<KeeperEvents> HoldAsync(
        HeldLease held, TimeSpan? margin = null, TimeSpan? leaseTime = null, LivenessMonitor? loops = null)
    {
        var events = new KeeperEvents(Keeper(held, margin, leaseTime, loops));
        await events.NextAsync<LeaseEvent.Confirmed>();
        return events;
    }

    /// <param name="held">The lease of the candidate; null for none.</param>
    public EtcdElection NewElection(string instance = "i-1", TimeSpan? termTime = null, Func<Lease?>? held = null) =>
        new(Context, new ControllerHolder(instance, "192.168.0.1"), held ?? (() => null), termTime);

    public Task<ElectedTerm> CampaignAsync(string instance = "i-1", TimeSpan? termTime = null) =>
        Eventually.WithinAsync($"{instance} is elected", NewElection(instance, termTime).CampaignAsync(Cancel));

    /// <summary>A status of the route of the instance i-1.</summary>
    public static RouteStatus Status(Lease lease, RouteState state = RouteState.Available) =>
        new(lease.Subnet.ToString(), "i-1", ["vtb-1"], state, "", "", DateTimeOffset.UnixEpoch);

    public Task PublishConfigAsync(string config = Config) => PutAsync(Keys.Config.ToStringUtf8(), config);

    public async Task PutAsync(string key, string value, long lease = 0) =>
        await Direct.TxnAsync(
            new TxnRequest
            {
                Success = { new RequestOp { RequestPut = new PutRequest { Key = Text(key), Value = Text(value), Lease = lease } } },
            },
            Cancel);

    public Task PutLeaseAsync(string key, string value, long lease = 0) => PutAsync(Keys.Subnets + key, value, lease);

    /// <summary>Writes a reservation of another node as the only lease, and reads it.</summary>
    public async Task<Lease> ReserveAsync(string key = "10.24.5.0-24")
    {
        await PutLeaseAsync(key, """{"PublicIP":"192.168.0.5"}""");
        return Assert.Single(await LeasesAsync());
    }

    public async Task DeleteAsync(string key) =>
        await Direct.TxnAsync(
            new TxnRequest { Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Text(key) } } } }, Cancel);

    public async Task<KeyValue?> GetAsync(string key) =>
        (await Direct.RangeAsync(new RangeRequest { Key = Text(key) }, Cancel)).Kvs.FirstOrDefault();

    public async Task<IReadOnlyList<Lease>> LeasesAsync() =>
        (await new EtcdSubnetManager(Context with { Etcd = Direct }).ReadAsync(Cancel)).Leases;

    public Task<ControllerHolder?> ControllerAsync() => new EtcdSubnetManager(Context with { Etcd = Direct }).ReadControllerAsync(Cancel);

    public async Task<long> GrantAsync(TimeSpan timeToLive)
    {
        var id = Random.Shared.NextInt64(1, long.MaxValue);
        await Direct.LeaseGrantAsync(id, timeToLive, Cancel);
        return id;
    }

    public async Task CompactAsync(EtcdProcess etcd)
    {
        var now = (await Direct.RangeAsync(new RangeRequest { Key = Keys.Config }, Cancel)).Header.Revision;
        await etcd.ControlAsync("compact", now.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static ByteString Text(string text) => ByteString.CopyFrom(Encoding.UTF8.GetBytes(text));
}
