using System.Threading.Channels;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;
using Mvccpb;
using Lease = Flannel.Core.Leases.Lease;

namespace Flannel.Etcd.Tests.Registry;

public sealed class NodeKeyWatcherTests
{
    private const long StartRevision = 5;

    private readonly Channel<LeaseEvent> events = Channel.CreateUnbounded<LeaseEvent>();
    private readonly NodeKeyWatcher watcher;

    public NodeKeyWatcherTests()
    {
        var keys = EtcdKeys.Parse("/flannel/network").Value;
        var lease = new Lease(
            new SubnetKey(Ipv4Network.Parse("10.24.5.0/24"), null), RegistryFixture.Attributes("192.168.0.1"),
            new EtcdLeaseIdentity(CreateRevision: 6, EtcdLeaseId: 1), 6);
        var config = NetworkConfigParser.Parse(ByteString.CopyFromUtf8(RegistryFixture.Config).Span).Value;
        var held = new HeldLease(lease, config, StartRevision, WasFound: false, null);
        watcher = new NodeKeyWatcher(
            new EtcdContext(null!, keys, TimeProvider.System, new Random(1), new RecordingLogger()), held, events.Writer);
    }

    /// <summary>A new etcd counts from 1 again, and the operator writes the configuration first, as before.</summary>
    [Theory]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetLen":26,"Backend":{"Type":"ali-vpc"}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":"vtb-1"}}""")]
    [InlineData("""{"Network":"nonsense"}""")]
    public void Another_configuration_with_the_same_revision_is_reported_once(string config)
    {
        Assert.Single(Changes(config, config));
    }

    [Fact]
    public void An_invalid_configuration_that_becomes_valid_at_the_same_revision_is_reported() =>
        Assert.Equal(2, Changes("""{"Network":"nonsense"}""", RegistryFixture.Config).Count);

    [Fact]
    public void The_configuration_of_the_start_is_not_reported_when_it_is_read_again() =>
        Assert.Empty(Changes(RegistryFixture.Config, RegistryFixture.Config));

    private List<LeaseEvent> Changes(params string[] configs)
    {
        foreach (var config in configs)
        {
            var pair = new KeyValue { Value = ByteString.CopyFromUtf8(config), ModRevision = StartRevision };
            watcher.Report(new NodeKeySnapshot(null, null, LeaseReader.ReadConfig(pair), null, 7));
        }

        events.Writer.Complete();
        var seen = new List<LeaseEvent>();
        while (events.Reader.TryRead(out var next)) seen.Add(next);
        return [.. seen.Where(each => each is LeaseEvent.ConfigChanged)];
    }
}
