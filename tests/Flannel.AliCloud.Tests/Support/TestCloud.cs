using AliCloud.Simulator;
using AliCloud.Simulator.Observing;
using AliCloud.Simulator.Setup;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Vpc;
using Flannel.Core.Addresses;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>The simulator and the clients under test, connected by real sockets. All use one clock, which only the test advances.</summary>
internal sealed class TestCloud : IAsyncDisposable
{
    public const string Region = "cn-hangzhou";
    public const string KeyId = "LTAItest";
    public const string KeySecret = "very-secret-of-the-test";

    /// <summary>A role of another account. It trusts <see cref="KeyId"/>, the role of the instances and the OIDC provider.</summary>
    public const string RouterArn = "acs:ram::9876543210987654:role/Router";
    public const string ProviderArn = "acs:ram::1234567890123456:oidc-provider/cluster";
    public const string OidcToken = "very.secret.token-1";

    public static readonly CloudSetup CloudSetup = new()
    {
        RegionId = Region,
        Settings = new CloudSettings { RouteEntryQuota = 400 },
        AccessKeys =
        [
            new AccessKeySetup { Id = KeyId, Secret = KeySecret },
            new AccessKeySetup { Id = "LTAIoff", Secret = KeySecret, Inactive = true },
            new AccessKeySetup { Id = "LTAIread",
                Secret = KeySecret, DeniedActions = ["vpc:Create*", "ecs:ModifyNetworkInterfaceAttribute", "quotas:*"] },
        ],
        Roles =
        [
            new RoleSetup { Name = "FlannelRole" }, new RoleSetup { Name = "OtherRole", TrustedBy = ["Router"] },
            new RoleSetup { Name = "Router", AccountId = "9876543210987654", TrustedBy = [KeyId, "FlannelRole", "cluster"] },
        ],
        OidcProviders = [new OidcProviderSetup { Name = "cluster", Tokens = [OidcToken] }],
        Vpcs =
        [
            new VpcSetup
            {
                VpcId = "vpc-1",
                CidrBlock = "192.168.0.0/16",
                SecondaryCidrBlocks = ["10.8.0.0/16"],
                UserCidrs = ["30.0.0.0/16"],
                RouteTables =
                [
                    new RouteTableSetup
                    {
                        RouteTableId = "vtb-1",
                        Entries =
                        [
                            new RouteEntrySetup { DestinationCidrBlock = "0.0.0.0/0", NextHopType = "NatGateway", NextHopId = "ngw-1" },
                            new RouteEntrySetup { DestinationCidrBlock = "10.99.0.0/16",
                                NextHopType = "Attachment", NextHopId = "tr-1", ServiceType = "TR" },
                        ],
                    },
                    new RouteTableSetup { RouteTableId = "vtb-2", RouteTableType = "Custom" },
                    new RouteTableSetup { RouteTableId = "vtb-gw", RouteTableType = "Custom", AssociateType = "Gateway" },
                ],
                VSwitches =
                [
                    new VSwitchSetup { VSwitchId = "vsw-1",
                        CidrBlock = "192.168.1.0/24", ZoneId = "cn-hangzhou-h", RouteTableId = "vtb-1" },
                    new VSwitchSetup { VSwitchId = "vsw-2",
                        CidrBlock = "192.168.2.0/24", ZoneId = "cn-hangzhou-i", RouteTableId = "vtb-2" },
                ],
            },
        ],
        Instances =
        [
            Instance("i-1", Interface("eni-1", 1, "vsw-1", "192.168.1.11"), Interface("eni-1b", 9, "vsw-2", "192.168.2.19")),
            Instance("i-2", Interface("eni-2", 2, "vsw-1", "192.168.1.12")) with { HardenedMetadata = true },
            Instance("i-3", Interface("eni-3", 3, "vsw-2", "192.168.2.13")) with { RamRole = null },
        ],
    };

    private readonly List<IDisposable> made = [];

    private CloudApi? api;

    private CloudClock? cloudTime;

    private TestCloud(SimulatedCloud cloud, FakeTimeProvider clock) => (Cloud, Clock) = (cloud, clock);

    public SimulatedCloud Cloud { get; }

    public FakeTimeProvider Clock { get; }

    public RecordingLogger Logger { get; } = new();

    /// <summary>Signs with a key that has all permissions.</summary>
    public CloudApi Api => api ??= ApiWith(StaticCredentials.Of(KeyId, KeySecret));

    public static InterfaceSetup Interface(string id, int mac, string vSwitchId, string ip) =>
        new() { NetworkInterfaceId = id, Mac = Mac(mac), VSwitchId = vSwitchId, PrivateIp = ip };

    public static string Mac(int n) => $"00:16:3e:00:{n >> 8:x2}:{n & 255:x2}";

    public static InstanceSetup Instance(string id, params InterfaceSetup[] interfaces) =>
        new() { InstanceId = id, RamRole = "FlannelRole", MetadataPort = 0, Interfaces = interfaces };

    public static NewRouteEntry Route(string destination, string nextHop = "i-1", string table = "vtb-1") =>
        new(table, IpNetwork.Parse(destination), new NextHop("Instance", nextHop), "flannel", "flannel of the test");

    /// <param name="clock">Null for a new clock at a fixed date.</param>
    public static async Task<TestCloud> StartAsync(
        Func<CloudSetup, CloudSetup>? change = null, FakeTimeProvider? clock = null, TimeProvider? cloudClock = null)
    {
        clock ??= new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var cloud = await SimulatedCloud.StartAsync(
            change?.Invoke(CloudSetup) ?? CloudSetup, new SimulatedCloudOptions { Time = cloudClock ?? clock },
                TestContext.Current.CancellationToken);
        return new TestCloud(cloud, clock);
    }

    public CloudApiOptions Options
    {
        get
        {
            var endpoint = CloudEndpoint.Parse(Cloud.Api.GetLeftPart(UriPartial.Authority)).Value;
            return new CloudApiOptions
            {
                ProgramVersion = "test",
                VpcEndpoint = endpoint,
                EcsEndpoint = endpoint,
                StsEndpoint = endpoint,
                QuotasEndpoint = endpoint
            };
        }
    }

    /// <summary>The cloud's time as the clients have measured it.</summary>
    public CloudClock CloudTime => cloudTime ??= new CloudClock(Clock);

    /// <summary>For clients that share the endpoints, the log and the clocks of this cloud.</summary>
    public CloudContext Context => Contexts.Create(Options, Clock, Logger) with { Clock = CloudTime };

    public CloudApi ApiWith(ICredentialSource credentials) => Keep(new CloudApi(Context, credentials));

    /// <summary>The provider chain of a node that has only the variables of <paramref name="environment"/>.</summary>
    public CredentialChain Chain(
        string instance, IReadOnlyDictionary<string, string>? environment = null, ConfiguredCredentials? backend = null,
            string? accessKeyFile = null) =>
        Keep(CredentialChain.Create(
            accessKeyFile, backend ?? ConfiguredCredentials.Empty, name =>
                environment?.GetValueOrDefault(name), Metadata(instance), Context));

    public MetadataClient Metadata(string instance, Func<MetadataOptions, MetadataOptions>? change = null)
    {
        var options = new MetadataOptions { Endpoint = Cloud.MetadataByInstance[instance] };
        return Keep(new MetadataClient(change?.Invoke(options) ?? options, Clock, new Random(8), Logger));
    }

    public T Keep<T>(T disposable) where T : IDisposable
    {
        made.Add(disposable);
        return disposable;
    }

    /// <summary>Advances the clock until all writes have settled.</summary>
    public void Settle() => Clock.Advance(TimeSpan.FromMilliseconds(600));

    public void Fail(FaultKind kind, string action, string? code = null, Func<Fault, Fault>? change = null)
    {
        var fault = new Fault { Kind = kind, Action = action, Code = code };
        Cloud.Faults.Add(change?.Invoke(fault) ?? fault);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in made) one.Dispose();
        await Cloud.DisposeAsync();
    }
}
