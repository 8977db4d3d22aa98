using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Ecs;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Vpc;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Configuration;
using Flannel.Core.Leases;
using Flannel.Core.Routes;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.RouteController.Planning;
using Flanneld.Backends;
using Flanneld.Host.Interfaces;
using Flanneld.Options;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Mvccpb;

namespace Flannel.Simulation.Tests.Fuzzing;

/// <summary>Every decoder of external input; docs/fuzzing.md has the list with reasons.</summary>
internal static class Targets
{
    private const string Data =
        """{"RegionId":"cn-hangzhou","VpcId":"vpc-1","VSwitchId":"vsw-1","InstanceId":"i-1","NetworkInterfaceId":"eni-1","PrimaryInterface":true}""";

    private const string Config =
        """{"Network":"10.24.0.0/16","SubnetLen":24,"SubnetMin":"10.24.1.0","SubnetMax":"10.24.9.0","EnableIPv4":true,"EnableIPv6":true,"IPv6Network":"fc00::/48","IPv6SubnetLen":64,"Backend":{"Type":"ali-vpc","AccessKeyID":"LTAI123","AccessKeySecret":"s","RegionID":"cn-hangzhou","RouteTableID":["vtb-1","vtb-2"]}}""";

    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly AccessKey Key = AccessKey.Create("LTAI123", "secret", "token").Value;
    private static readonly LeaseReader Reader = new(Keys(), NullLogger.Instance);

    public static IReadOnlyList<Target> All { get; } =
    [
        new("network-config", bytes => Require(NetworkConfigParser.Parse(bytes) is var r && r.Ok != r.Error?.Length > 0), Config,
            "\"SubnetLen\":", "\"10.24.0.0/33\"", "\"Network\":"),
        new("lease-value", LeaseValue, $$"""{"PublicIP":"192.168.0.1","PublicIPv6":null,"BackendType":"ali-vpc","BackendData":{{Data}}}""",
            "\"BackendData\":", "\"PublicIP\":"),
        Target.OfText("subnet-key", SubnetKeyText, "10.24.5.0-24", "10.24.5.0-24&fc00::-64",
            "255.255.255.255-32", "-", "&", "0.0.0.0-0", "::"),
        new("etcd-subnet", EtcdSubnet, "10.24.5.0-24", "10.24.5.0-24&fc00::-64", "hello", "10.24.5.0-99999999999"),
        new("etcd-config", bytes => LeaseReader.ReadConfig(new KeyValue { Value = ByteString.CopyFrom(bytes) }), Config),
        new("controller-holder", bytes =>
            Require(ControllerHolderValue.Read(new KeyValue { Value = ByteString.CopyFrom(bytes) }) is not null),
            """{"InstanceId":"i-1","PublicIp":"192.168.0.1"}"""),
        new("subnet.env", bytes => SubnetEnv.ReadPreviousSubnet(bytes),
            "FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET=10.24.5.1/24\nFLANNEL_MTU=1500\nFLANNEL_IPMASQ=true\n",
            "FLANNEL_SUBNET=", "\n", "\"", "/24"),
        new("route-status", Status,
            """{"Subnet":"10.24.5.0/24","InstanceId":"i-1","RouteTableIds":["vtb-1"],"State":"Available","Message":"","RequestId":"","Time":"2026-01-01T00:00:00+00:00"}""",
            "\"State\":", "null"),
        Target.OfText("backend-data", text => AliVpcBackendData.Parse(text)?.ToJson(), Data, "\"VpcId\":null"),
        new("backend-config", BackendConfig,
            """{"Type":"ali-vpc","AccessKeyID":"LTAI123","AccessKeySecret":"s","RegionID":"cn-hangzhou","RouteTableID":["vtb-1"]}""",
            "\"RouteTableID\":", "\"vtb-1\""),
        Target.OfText("metadata-formats", MetadataFormats, "cn-hangzhou", "i-1", "vpc-1", "vsw-1", "eni-1", "00:16:3e:00:00:01",
            "00:16:3e:00:00:01/\n", "[\"192.168.0.1\",\"192.168.0.2\"]", "EcsRole"),
        Target.OfText("role-key", text => RamRoleProvider.Parse(text, "role", Now).ToString(),
            """{"Code":"Success","AccessKeyId":"STS.1","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2027-01-01T00:00:00Z","LastUpdated":"2026-01-01T00:00:00Z"}""",
            "\"Expiration\":", "\"9999-12-31T23:59:59-14:00\""),
        new("key-file", KeyFile, "AccessKeyId=LTAI123\nAccessKeySecret=s\n",
            """{"AccessKeyId":"LTAI123","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2027-01-01T00:00:00Z"}""",
            "AccessKeyId,AccessKeySecret\nLTAI123,s\n",
            "[default]\ntype = access_key\naccess_key_id = LTAI123\naccess_key_secret = s\n", "\"", "=", ",", "\n"),
        Target.OfText("default-route", text => DefaultRoute.Find(text),
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\neth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
            "\n", "\t", "00000000"),
        Target.OfText("etcd-error", text => ServerErrors.Of(StatusCode.Unknown, text).ToString(),
            "rpc error: code = Unknown desc = etcdserver: no leader", "etcdserver: mvcc: required revision has been compacted", " desc = "),
        Target.OfText("prefix", text => EtcdKeys.Parse(text), "/coreos.com/network", "/", "..", "\u0000"),
        Target.OfText("cloud-endpoint", text => CloudEndpoint.Parse(text).ToString(), "https://vpc.aliyuncs.com",
            "http://127.0.0.1:8080/", "://", "[::1]", "@", "%00"),
        Target.OfText(
            "command-line", CommandLineText, "check\n--etcd-endpoints=http://10.0.0.1:2379\n-v=1", "--ip-masq", "--", "\n", "=", "0x1F",
            "\""),
        new(
            "v2-store", bytes => V2Store.HasValue(bytes), """{"action":"get","node":{"key":"/n/config","value":"{}","modifiedIndex":4}}""",
            "\"value\":"),
        Target.OfText("addresses", Addresses, "10.24.0.0/16", "fc00::/48", "255.255.255.255", "::ffff:1.2.3.4", "%1", "/"),
        Cloud("cloud-xml-error", HttpJson.Default.CloudResponse, HttpStatusCode.Forbidden,
            "<?xml version='1.0' encoding='UTF-8'?><Error><RequestId>R-1</RequestId><HostId>vpc.aliyuncs.com</HostId>"
            + "<Code>Forbidden.RAM</Code><Message>User not authorized &amp; refused</Message></Error>"),
        Cloud("cloud-error", HttpJson.Default.CloudResponse, HttpStatusCode.BadRequest,
            """{"RequestId":"R-1","HostId":"vpc.aliyuncs.com","Code":"TaskConflict","Message":"The operation is too frequent.","Recommend":"https://x"}"""),
        Cloud("cloud-entries", VpcJson.Default.RouteEntryListResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","NextToken":"","RouteEntrys":{"RouteEntry":[{"RouteEntryId":"rte-1","RouteEntryName":"n","Description":"d","DestinationCidrBlock":"10.24.5.0/24","Status":"Available","Type":"Custom","RouteTableId":"vtb-1","NextHops":{"NextHop":[{"NextHopType":"Instance","NextHopId":"i-1","Weight":0}]}}]}}"""),
        Cloud("cloud-tables", VpcJson.Default.RouteTableListResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","TotalCount":1,"PageNumber":1,"PageSize":50,"RouterTableList":{"RouterTableListType":[{"RouteTableId":"vtb-1","RouteTableType":"System","VpcId":"vpc-1","VSwitchIds":{"VSwitchId":["vsw-1"]}}]}}"""),
        Cloud("cloud-vswitches", VpcJson.Default.VSwitchListResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","TotalCount":1,"PageNumber":1,"PageSize":50,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","VpcId":"vpc-1","CidrBlock":"192.168.0.0/24","RouteTable":{"RouteTableId":"vtb-1","RouteTableType":"System"}}]}}"""),
        Cloud("cloud-vswitch", VpcJson.Default.VSwitchResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","VSwitchId":"vsw-1","VpcId":"vpc-1","RouteTable":{"RouteTableId":"vtb-1","RouteTableType":"System"}}"""),
        Cloud("cloud-vpc", VpcJson.Default.VpcResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","VpcId":"vpc-1","CidrBlock":"192.168.0.0/16","SecondaryCidrBlocks":{"SecondaryCidrBlock":["10.0.0.0/8"]},"UserCidrs":{"UserCidr":[]}}"""),
        Cloud("cloud-created", VpcJson.Default.CreatedResponse, HttpStatusCode.OK, """{"RequestId":"R-1","RouteEntryId":"rte-1"}"""),
        Cloud("cloud-batch", VpcJson.Default.BatchResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","SuccessCount":1,"FailedCount":1,"RouteEntryIds":["rte-1"],"FailedRouteEntries":[{"DstCidrBlock":"10.24.5.0/24","NextHop":"i-1","FailedCode":"TaskConflict","FailedMessage":"m"}]}"""),
        Cloud("cloud-interfaces", EcsJson.Default.InterfaceListResponse, HttpStatusCode.OK,
            """{"RequestId":"R-1","NextToken":"","NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-1","InstanceId":"i-1","SourceDestCheck":true,"PrivateIpSets":{"PrivateIpSet":[]}}]}}"""),
    ];

    private static Target Cloud<T>(string name, JsonTypeInfo<T> type, HttpStatusCode status, string valid)
        where T : CloudResponse => new(
            name,
            bytes =>
            {
                using var response = new HttpResponseMessage(status);
                var text = Encoding.Latin1.GetString(bytes);
                response.Headers.TryAddWithoutValidation("Retry-After", text);
                response.Headers.TryAddWithoutValidation("Date", text);
                var read = CloudResponseReader.Read(CloudCall.Read(CloudService.Vpc, "Describe", "cn-hangzhou"),
                    type, Key, response, bytes, Now);
                _ = read.ToString();
            },
            valid, "\"RequestId\":\"R-1\"", "\"Code\":", "\"Message\":\"secret\"");

    /// <summary>Parses each line as an argument, and the whole text as the environment variable of each flag.</summary>
    private static void CommandLineText(string text)
    {
        CheckResult(CommandLine.Parse(text.Split('\n'), new Dictionary<string, string>()));
        foreach (var flag in Flags.All)
            CheckResult(CommandLine.Parse([], new Dictionary<string, string> { [flag.EnvironmentName] = text }));

        static void CheckResult(Result<DaemonOptions> result) =>
            Require(result.Ok || (result.Error.Length > 0 && !result.Error.Contains('\n', StringComparison.Ordinal)));
    }

    private static EtcdKeys Keys() => EtcdKeys.Parse("/n").Value;

    /// <summary>Asserts a property of the result of a decoder.</summary>
    private static void Require(bool condition)
    {
        if (!condition) throw new InvalidOperationException("the result of the decoder is inconsistent");
    }

    private static void LeaseValue(byte[] bytes)
    {
        var parsed = LeaseAttributes.Parse(bytes);
        Require(parsed.Ok ? LeaseAttributes.Parse(parsed.Value.ToJson()).Value == parsed.Value : parsed.Error.Length > 0);
    }

    private static void SubnetKeyText(string text)
    {
        if (SubnetKey.TryParse(text, out var key)) Require(key.ToString() == text);
    }

    private static void EtcdSubnet(byte[] bytes)
    {
        var half = bytes.Length / 2;
        Reader.Read(new KeyValue { Key = ByteString.CopyFrom([.. "/n/subnets/"u8, .. bytes]), Value = ByteString.Empty, ModRevision = 1 });
        Reader.Read(new KeyValue
        {
            Key = ByteString.CopyFrom([.. "/n/subnets/"u8, .. bytes[..half]]),
            Value = ByteString.CopyFrom(bytes[half..]),
            ModRevision = 2,
        });
    }

    private static void Status(byte[] bytes)
    {
        if (RouteStatus.Parse(bytes) is not { } status) return;
        var again = RouteStatus.Parse(status.ToJson());
        Require(again is not null && again.HasSameContentAs(status));
    }

    private static void BackendConfig(byte[] bytes)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes);
        }
        catch (JsonException)
        {
            return;
        }

        using (document)
        {
            var result = AliVpcBackendConfig.Parse(document.RootElement);
            if (result.Ok) _ = result.Value.ToString();
            else Require(result.Error.Length > 0);
        }
    }

    private static void MetadataFormats(string text)
    {
        _ = ResourceIdFormat.IsRegionId(text) | ResourceIdFormat.IsInstanceId(text) | ResourceIdFormat.IsVpcId(text)
            | ResourceIdFormat.IsVSwitchId(text) | ResourceIdFormat.IsNetworkInterfaceId(text)
            | ResourceIdFormat.IsRouteTableId(text) | ResourceIdFormat.IsRoleName(text) | ResourceIdFormat.IsMacAddress(text);
        _ = InstanceIdentityReader.Addresses(text).Count + InstanceIdentityReader.Macs(text).Count;
    }

    private static void KeyFile(byte[] bytes)
    {
        var key = KeyFileFormat.Parse(bytes);
        Require(key.Ok ? !key.Value.ToString().Contains("secret-", StringComparison.Ordinal) : key.Error.Length > 0);
    }

    private static void Addresses(string text)
    {
        if (Ipv4Address.TryParse(text, out var address)) Require(Ipv4Address.Parse(address.ToString()) == address);
        if (Ipv6Network.TryParseAddress(text, out var address6)) _ = address6.ToString(provider: null);
        if (Ipv4Network.TryParse(text, '/', out var network, out _)) _ = network.ToString();
        if (Ipv6Network.TryParse(text, '/', out var network6, out _)) _ = network6.ToString('/');
    }
}
