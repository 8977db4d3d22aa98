using AliCloud.Simulator.Setup;
using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Tests;

public sealed class Ipv6RouteTests
{
    private const string VpcRange = "2408:4005:300::/56";
    private const string VSwitchRange = "2408:4005:300:1::/64";

    [Theory]
    [InlineData("fd00:24:0:5::/64", "Instance", "i-1", null)]
    [InlineData("fd00:24:0:5:0::/64", "Instance", "i-1", null)] // another spelling of the address
    [InlineData("::/0", "Instance", "i-1", null)]
    [InlineData("2408:4005:300::/56", "Instance", "i-1", null)] // contains the range of a vSwitch
    [InlineData("fd00:24:0:5::/64", "NetworkInterface", "eni-1b", null)]
    [InlineData("fd00:24:0:5::", "Instance", "i-1", "InvalidCidrBlock.Malformed")] // a length is required
    [InlineData("fd00:24:0:5::/129", "Instance", "i-1", "InvalidCidrBlock.Malformed")]
    [InlineData("fd00:24:0:5::1%eth0/64", "Instance", "i-1", "InvalidCidrBlock.Malformed")]
    [InlineData("fd00:24:0:5::1/64", "Instance", "i-1", "InvalidCidrBlock")] // host bits
    [InlineData("fe80::/64", "Instance", "i-1", "OperationUnsupported.Ipv6CidrBlock")]
    [InlineData("ff02::/16", "Instance", "i-1", "OperationUnsupported.Ipv6CidrBlock")]
    [InlineData("::ffff:10.24.5.0/120", "Instance", "i-1", "OperationUnsupported.Ipv6CidrBlock")]
    [InlineData(VSwitchRange, "Instance", "i-1", "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch")]
    [InlineData("2408:4005:300:1:8000::/65", "Instance", "i-1", "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch")]
    [InlineData("fd00:24:0:5::/64", "NetworkInterface", "eni-1", "OperationUnsupported.Ipv6EntryOnPrimaryNetworkInterface")]
    [InlineData("fd00:24:0:5::/64", "Instance", "i-2", "OperationUnsupported.MutipleIpv6Address")]
    [InlineData("fd00:24:0:5::/64", "Instance", "i-3", "OperationFailed.NotSupportIPV6")] // it has no IPv6 address
    [InlineData("fd00:24:0:5::/64", "Instance", "i-none", "InvalidNextHopId.NotFound")]
    public async Task A_single_entry_must_follow_the_rules(string destination, string type, string nextHop, string? code)
    {
        await using var test = await TestCloud.StartAsync(WithIpv6);
        Assert.Equal(code, (await CreateAsync(test, destination, type, nextHop)).ErrorCode);
    }

    [Fact]
    public async Task An_entry_needs_a_VPC_with_IPv6()
    {
        await using var test = await TestCloud.StartAsync(WithIpv6);
        test.Cloud.Console.SetIpv6("vpc-1", null);
        Assert.Equal("OperationDenied.VpcIpv6NotEnabled", (await CreateAsync(test, "fd00:24:0:5::/64")).ErrorCode);
        test.Cloud.Console.SetIpv6("vpc-1", VpcRange);
        (await CreateAsync(test, "fd00:24:0:5::/64")).MustSucceed();
    }

    [Fact]
    public async Task A_custom_table_has_IPv6_entries_only_if_the_settings_allow_it()
    {
        await using var test = await TestCloud.StartAsync(WithIpv6);
        Assert.Equal(
            "OperationDenied.Ipv6EntryOnCustomTable", (await CreateAsync(test, "fd00:24:0:5::/64", table: "vtb-2")).ErrorCode);
        test.Cloud.Console.Settings = test.Cloud.Console.Settings with { Ipv6OnCustomTables = true };
        (await CreateAsync(test, "fd00:24:0:5::/64", table: "vtb-2")).MustSucceed();
    }

    [Theory]
    [InlineData("fd00:24:0:5::/64", "6", null)]
    [InlineData("10.24.5.0/24", "4", null)]
    [InlineData("10.24.5.0/24", null, null)]
    [InlineData("fd00:24:0:5::/64", null, "IllegalParam.IpVersion")]
    [InlineData("fd00:24:0:5::/64", "4", "IllegalParam.IpVersion")]
    [InlineData("10.24.5.0/24", "6", "IllegalParam.IpVersion")]
    [InlineData("2408:4005:300::/56", "6", "OperationUnsupported.DestinationCidrBlockOverlapWithVSwitch")] // stricter than the single call
    public async Task The_version_of_an_entry_of_a_batch_is_that_of_its_destination(string destination, string? version, string? code)
    {
        await using var test = await TestCloud.StartAsync(WithIpv6);
        List<(string, string)> call = [("RegionId", "cn-hangzhou"), .. TestCloud.Item(1, "vtb-1", destination, "i-1")];
        if (version is not null) call.Add(("RouteEntries.1.IpVersion", version));
        var reply = await test.Vpc.CallAsync("CreateRouteEntries", [.. call]);
        reply.MustSucceed();
        Assert.Equal(code, (string?)reply.Body["FailedRouteEntries"]!.AsArray().FirstOrDefault()?["FailedCode"]);
    }

    [Fact]
    public async Task Entries_of_both_families_are_listed_by_version_and_count_against_one_quota()
    {
        await using var test = await TestCloud.StartAsync(setup => WithIpv6(setup) with { Settings = new() { RouteEntryQuota = 3 } });
        (await CreateAsync(test, "fd00:24:0:5:0::/64")).MustSucceed();
        test.Settle();
        (await test.CreateAsync("10.24.5.0/24")).MustSucceed();
        test.Settle();
        Assert.Equal("QuotaExceeded", (await CreateAsync(test, "fd00:24:0:6::/64")).ErrorCode);
        Assert.Equal("InvalidCIDRBlock.Duplicate", (await CreateAsync(test, "fd00:24:0:5::/64")).ErrorCode);
        Assert.Equal(["fd00:24:0:5::/64"], await ListAsync(test, "ipv6"));
        Assert.Contains("10.24.5.0/24", await ListAsync(test, "ipv4"));
        Assert.Contains(test.Cloud.State.Snapshot().Routes, r => r.Type == "System" && r.DestinationCidrBlock == VSwitchRange);
    }

    [Fact]
    public async Task Descriptions_and_metadata_name_the_IPv6_ranges_and_addresses()
    {
        await using var test = await TestCloud.StartAsync(WithIpv6);
        var vpc = await test.Vpc.CallAsync("DescribeVpcAttribute", ("VpcId", "vpc-1"), ("RegionId", "cn-hangzhou"));
        Assert.Equal((VpcRange, true), ((string?)vpc.Body["Ipv6CidrBlock"], (bool)vpc.Body["EnabledIpv6"]!));
        var vSwitch = await test.Vpc.CallAsync("DescribeVSwitchAttributes", ("VSwitchId", "vsw-1"));
        Assert.Equal(VSwitchRange, (string?)vSwitch.Body["Ipv6CidrBlock"]);
        const string mac = "meta-data/network/interfaces/macs/00:16:3e:00:00:02/";
        Assert.Equal("[2408:4005:300:1::21, 2408:4005:300:1::22]", await test.GetMetadataAsync("i-2", "/latest/" + mac + "ipv6s"));
        test.Cloud.Console.SetIpv6Addresses("eni-2", ["2408:4005:300:1::21"]);
        (await CreateAsync(test, "fd00:24:0:5::/64", nextHop: "i-2")).MustSucceed();
        Assert.Throws<FormatException>(() => test.Cloud.Console.SetIpv6Addresses("eni-2", ["2408:4005:300:2::21"]));
    }

    private static CloudSetup WithIpv6(CloudSetup setup) => setup with
    {
        Vpcs = [.. setup.Vpcs.Select(vpc => vpc.VpcId != "vpc-1" ? vpc : vpc with
        {
            Ipv6CidrBlock = VpcRange,
            VSwitches = [.. vpc.VSwitches.Select(v => v.VSwitchId == "vsw-1" ? v with { Ipv6CidrBlock = VSwitchRange } : v)],
        })],
        Instances = [.. setup.Instances.Select(instance => instance with
        {
            HardenedMetadata = false,
            Interfaces = [.. instance.Interfaces.Select(each => each with { Ipv6s = Ipv6sOf(each.NetworkInterfaceId) })],
        })],
    };

    private static string[] Ipv6sOf(string networkInterfaceId) => networkInterfaceId switch
    {
        "eni-1" => ["2408:4005:300:1::11"],
        "eni-1b" => ["2408:4005:300:1::19"],
        "eni-2" => ["2408:4005:300:1::21", "2408:4005:300:1::22"],
        _ => [],
    };

    private static Task<ApiReply> CreateAsync(
        TestCloud test, string destination, string type = "Instance", string nextHop = "i-1", string table = "vtb-1") =>
        test.Vpc.CallAsync("CreateRouteEntry",
            ("RouteTableId", table), ("DestinationCidrBlock", destination), ("NextHopType", type), ("NextHopId", nextHop));

    private static async Task<IReadOnlyList<string>> ListAsync(TestCloud test, string version)
    {
        var reply = await test.Vpc.CallAsync(
            "DescribeRouteEntryList", ("RegionId", "cn-hangzhou"), ("RouteTableId", "vtb-1"), ("IpVersion", version),
            ("RouteEntryType", "Custom"), ("MaxResult", "100"));
        return [.. reply.Body["RouteEntrys"]!["RouteEntry"]!.AsArray().Select(entry => (string)entry!["DestinationCidrBlock"]!)];
    }
}
