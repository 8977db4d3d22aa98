using System.Runtime.CompilerServices;
using Etcdserverpb;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Etcd.Client;
using Flannel.Etcd.Model;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;
using Flanneld.Host;
using Flanneld.Node;
using Flanneld.Tests.Support;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Flanneld.Tests.Node;

public sealed class NodeLeasingTests : IDisposable
{
    private const string Prefix = "/coreos.com/network";
    private const string AliVpc = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";
    private const string Alloc = """{"Network":"10.24.0.0/16","Backend":{"Type":"alloc"}}""";

    private static readonly TimeSpan Step = TimeSpan.FromMinutes(30);
    private readonly FakeTimeProvider time = new();
    private readonly string path = $"{Path.GetTempPath()}/flannel-{Guid.NewGuid():N}.env";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(path);

    [Fact]
    public async Task While_etcd_is_unavailable_the_earlier_file_stays_until_the_lease_expires()
    {
        await File.WriteAllTextAsync(path, "FLANNEL_SUBNET=10.24.5.1/24\n", Cancel);
        using var stop = new CancellationTokenSource();
        var leasing = CreateLeasing(new UnavailableEtcd(), new NoIdentity(), time).LeaseAsync(stop.Token);

        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromHours(23.5); passed += Step) await AdvanceAsync(Step);
        Assert.True(File.Exists(path));
        for (var steps = 0; File.Exists(path); steps++)
        {
            Assert.True(steps < 100, "the file is never removed");
            await AdvanceAsync(Step);
        }

        Assert.False(leasing.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leasing);
    }

    /// <summary>A timer counts whole milliseconds: a shorter wait ends at once.</summary>
    [Fact]
    public async Task The_last_fraction_of_a_millisecond_of_a_lease_causes_no_busy_loop()
    {
        var wholePart = TimeSpan.FromMinutes(1);
        var counting = new CountingTimeProvider();
        await File.WriteAllTextAsync(path, "FLANNEL_SUBNET=10.24.5.1/24\n", Cancel);
        using var stop = new CancellationTokenSource();
        var leaseTime = wholePart + TimeSpan.FromMicroseconds(500);
        var leasing = CreateLeasing(new UnavailableEtcd(), new NoIdentity(), counting, leaseTime).LeaseAsync(stop.Token);

        counting.Advance(wholePart);
        await Task.Delay(TimeSpan.FromMilliseconds(100), Cancel);
        Assert.InRange(counting.Reads, 1, CountingTimeProvider.MaxReads);
        Assert.False(File.Exists(path));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leasing);
    }

    /// <summary>The node reads its identity for ali-vpc. While it acquires the lease, an operator writes a configuration for
    /// alloc.</summary>
    [Fact]
    public async Task A_lease_of_backend_alloc_names_no_instance_after_a_change_from_ali_vpc()
    {
        var etcd = new ModelEtcd(TimeProvider.System);
        await WriteAsync(etcd, "config", AliVpc);
        var changing = new ChangingEtcd(etcd, () => WriteAsync(etcd, "config", Alloc));
        var held = (await CreateLeasing(changing, new KnownIdentity()).LeaseAsync(Cancel)).Value;
        Assert.Equal("alloc", held.Held.Lease.Attributes.BackendType);
        Assert.Null(held.Identity);
    }

    /// <summary>The instance is read only to decide whether the address is this node's.</summary>
    [Fact]
    public async Task A_lease_of_backend_alloc_that_was_leased_under_ali_vpc_names_no_instance()
    {
        var etcd = new ModelEtcd(TimeProvider.System);
        await WriteAsync(etcd, "config", Alloc);
        var before = AliVpcBackendData.Of(KnownIdentity.Value).ToJson();
        var id = (await etcd.LeaseGrantAsync(7, TimeSpan.FromHours(1), Cancel)).ID;
        await WriteAsync(
            etcd, "subnets/10.24.5.0-24", $$"""{"PublicIP":"192.168.1.11","BackendType":"ali-vpc","BackendData":{{before}}}""", id);
        var held = (await CreateLeasing(etcd, new KnownIdentity()).LeaseAsync(Cancel)).Value;
        Assert.Equal("10.24.5.0/24", held.Held.Lease.Subnet.ToString());
        Assert.Equal("alloc", held.Held.Lease.Attributes.BackendType);
        Assert.Null(held.Identity);
    }

    /// <summary>A link-local address is not unique in a VPC, so it does not prove that the instance which had it no longer
    /// exists.</summary>
    [Fact]
    public async Task A_link_local_address_that_the_metadata_service_confirms_does_not_take_over_another_instances_lease()
    {
        const string address = "169.254.7.7";
        var etcd = new ModelEtcd(TimeProvider.System);
        await WriteAsync(etcd, "config", AliVpc);
        var other = AliVpcBackendData.Of(KnownIdentity.Value with { InstanceId = "i-2" }).ToJson();
        var id = (await etcd.LeaseGrantAsync(7, TimeSpan.FromHours(1), Cancel)).ID;
        await WriteAsync(etcd, "subnets/10.24.5.0-24",
            $$"""{"PublicIP":"{{address}}","BackendType":"ali-vpc","BackendData":{{other}}}""", id);
        var identity = new KnownIdentity(KnownIdentity.Value with
        {
            PrivateAddresses = [Ipv4Address.Parse("192.168.1.11"), Ipv4Address.Parse(address)],
        });

        var failed = await CreateLeasing(etcd, identity, publicIp: address).LeaseAsync(Cancel);

        Assert.Equal(
            $"i-2 uses this node's public address {address} and holds 10.24.5.0/24: give this node an address of its own"
            + " (--public-ip, FLANNELD_PUBLIC_IP), or, if that instance no longer exists, delete its lease:"
            + $" etcdctl del {Prefix}/subnets/10.24.5.0-24",
            failed.Error);
        var kept = await CreateLeasing(etcd, new KnownIdentity(KnownIdentity.Value with { InstanceId = "i-2" })).LeaseAsync(Cancel);
        Assert.Equal("10.24.5.0/24", kept.Value.Held.Lease.Subnet.ToString());
    }

    private NodeLeasing CreateLeasing(
        IEtcd etcd, INodeIdentity identity, TimeProvider? clock = null, TimeSpan? leaseTime = null, string publicIp = "192.168.1.11")
    {
        clock ??= TimeProvider.System;
        var context = new EtcdContext(etcd, EtcdKeys.Parse(Prefix).Value, clock, new Random(1), NullLogger.Instance);
        var options = new EtcdSubnetManagerOptions { LeaseTime = leaseTime ?? FlannelContract.LeaseTime };
        var subnets = new EtcdSubnetManager(context, options);
        var earlierFile = new EarlierSubnetFile(new SubnetFile(path), NullLogger.Instance);
        var address = new NodeAddress(Ipv4Address.Parse(publicIp), null, earlierFile.ReadSubnet());
        return new NodeLeasing(subnets, address, identity, earlierFile, clock, NullLogger.Instance);
    }

    private static Task<TxnResponse> WriteAsync(ModelEtcd etcd, string key, string value, long lease = 0)
    {
        var whole = ByteString.CopyFromUtf8($"{Prefix}/{key}");
        var put = new PutRequest { Key = whole, Value = ByteString.CopyFromUtf8(value), Lease = lease };
        return etcd.TxnAsync(new TxnRequest { Success = { new RequestOp { RequestPut = put } } }, Cancel);
    }

    /// <summary>Timers stop while a machine is suspended; the time of a lease does not.</summary>
    [Fact]
    public async Task A_lease_that_expired_while_the_machine_was_suspended_ends_soon_after_it_resumes()
    {
        var suspending = new SuspendingTimeProvider();
        await File.WriteAllTextAsync(path, "FLANNEL_SUBNET=10.24.5.1/24\n", Cancel);
        using var stop = new CancellationTokenSource();
        var leasing = CreateLeasing(new UnavailableEtcd(), new NoIdentity(), suspending).LeaseAsync(stop.Token);

        suspending.Suspend(TimeSpan.FromHours(25));
        for (var passed = 0; passed < 60 && File.Exists(path); passed++)
        {
            suspending.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Cancel);
        }

        Assert.False(File.Exists(path));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leasing);
    }

    /// <summary>A firewall blocks the metadata service, nothing renews the earlier lease, and another node takes the subnet.</summary>
    [Fact]
    public async Task While_the_node_waits_for_the_metadata_service_the_file_is_removed_when_the_earlier_lease_ends()
    {
        var etcd = await WithLeaseAsync();
        using var stop = new CancellationTokenSource();
        var leasing = CreateLeasing(etcd, new PendingIdentity(), time).LeaseAsync(stop.Token);
        for (var passed = 0; passed < 60; passed++) await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.True(File.Exists(path));

        await WriteAsync(etcd, "subnets/10.24.5.0-24", """{"PublicIP":"192.168.1.99","BackendType":"ali-vpc"}""");
        for (var passed = 0; passed < 60 && File.Exists(path); passed++) await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.False(File.Exists(path));
        Assert.False(leasing.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leasing);
    }

    [Fact]
    public async Task While_the_metadata_service_and_etcd_are_unavailable_the_file_stays_until_the_lease_expires()
    {
        var etcd = await WithLeaseAsync();
        using var stop = new CancellationTokenSource();
        var leasing = CreateLeasing(etcd, new PendingIdentity(), time).LeaseAsync(stop.Token);
        etcd.IsAvailable = false;
        await AssertFileStaysForLeaseTimeAsync(leasing, stop);
    }

    [Fact]
    public async Task While_etcd_is_unavailable_during_leasing_the_file_stays_until_the_lease_expires()
    {
        var etcd = await WithLeaseAsync();
        using var stop = new CancellationTokenSource();
        var leasing = CreateLeasing(new UnavailableAtRenewalEtcd(etcd), new KnownIdentity(), time).LeaseAsync(stop.Token);
        await AssertFileStaysForLeaseTimeAsync(leasing, stop);
    }

    [Fact]
    public async Task An_error_of_etcd_after_the_wait_for_the_metadata_service_is_one_line()
    {
        var etcd = await WithLeaseAsync();
        var rejecting = new RejectingEtcd(etcd);
        var identity = new PendingIdentity();
        var leasing = CreateLeasing(rejecting, identity).LeaseAsync(Cancel);
        await identity.Requested.WaitAsync(Cancel);
        rejecting.Rejection = new EtcdException(EtcdErrorKind.PermissionDenied, "permission denied", mayHaveHappened: false);
        identity.Respond();
        Assert.Equal("etcd: permission denied", (await leasing).Error);
    }

    /// <summary>The earlier file exists as long as a lease lives without renewal, and not longer, while leasing continues.</summary>
    private async Task AssertFileStaysForLeaseTimeAsync(Task leasing, CancellationTokenSource stop)
    {
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromHours(23.5); passed += Step) await AdvanceAsync(Step);
        Assert.True(File.Exists(path));
        for (var steps = 0; steps < 100 && File.Exists(path); steps++) await AdvanceAsync(Step);
        Assert.False(File.Exists(path));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leasing);
    }

    /// <summary>The lease of i-1, and the file that names its subnet.</summary>
    private async Task<ModelEtcd> WithLeaseAsync()
    {
        var etcd = new ModelEtcd(time);
        await WriteAsync(etcd, "config", AliVpc);
        var data = AliVpcBackendData.Of(KnownIdentity.Value).ToJson();
        var id = (await etcd.LeaseGrantAsync(7, TimeSpan.FromHours(24), Cancel)).ID;
        await WriteAsync(etcd, "subnets/10.24.5.0-24",
            $$"""{"PublicIP":"192.168.1.11","BackendType":"ali-vpc","BackendData":{{data}}}""", id);
        await File.WriteAllTextAsync(path, "FLANNEL_SUBNET=10.24.5.1/24\n", Cancel);
        return etcd;
    }

    private async Task AdvanceAsync(TimeSpan step)
    {
        time.Advance(step);
        await Task.Delay(1, Cancel);
    }

    private sealed class CountingTimeProvider : FakeTimeProvider
    {
        public const int MaxReads = 1000;

        public int Reads { get; private set; }

        /// <summary>Ends a busy loop, which would hang the test.</summary>
        public override long GetTimestamp() =>
            ++Reads <= MaxReads ? base.GetTimestamp() : throw new InvalidOperationException("the clock is read in a busy loop");
    }

    private sealed class SuspendingTimeProvider : FakeTimeProvider
    {
        private TimeSpan suspended;

        public override long GetTimestamp() => base.GetTimestamp() + (long)(suspended.TotalSeconds * TimestampFrequency);

        public void Suspend(TimeSpan time) => suspended += time;
    }

    /// <summary>Becomes unavailable at the first renewal.</summary>
    private sealed class UnavailableAtRenewalEtcd(ModelEtcd inner) : DelegatingEtcd(inner)
    {
        public override Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation)
        {
            inner.IsAvailable = false;
            return base.LeaseKeepAliveOnceAsync(leaseId, cancellation);
        }
    }

    /// <summary>Runs a change directly before the first etcd lease is granted.</summary>
    private sealed class ChangingEtcd(IEtcd inner, Func<Task> change) : DelegatingEtcd(inner)
    {
        private bool isChanged;

        public override async Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation)
        {
            if (!isChanged) await change();
            isChanged = true;
            return await base.LeaseGrantAsync(leaseId, timeToLive, cancellation);
        }
    }

    private sealed class UnavailableEtcd : IEtcd
    {
        public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) => throw Unavailable();

        public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) => throw Unavailable();

        public Task<LeaseGrantResponse> LeaseGrantAsync(long leaseId, TimeSpan timeToLive, CancellationToken cancellation) =>
            throw Unavailable();

        public Task<TimeSpan?> LeaseKeepAliveOnceAsync(long leaseId, CancellationToken cancellation) => throw Unavailable();

        public Task LeaseRevokeAsync(long leaseId, CancellationToken cancellation) => throw Unavailable();

        public async IAsyncEnumerable<WatchResponse> WatchAsync(
            IReadOnlyList<WatchCreateRequest> ranges, [EnumeratorCancellation] CancellationToken cancellation)
        {
            await Task.Yield();
            if (!cancellation.IsCancellationRequested) throw Unavailable();
            yield break;
        }

        private static EtcdException Unavailable() => new(EtcdErrorKind.Unavailable, "no endpoint answers", mayHaveHappened: false);
    }
}
