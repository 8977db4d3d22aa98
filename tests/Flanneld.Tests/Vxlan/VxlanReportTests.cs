using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Tests.Support;
using Flanneld.Vxlan;
using Microsoft.Extensions.Logging;

namespace Flanneld.Tests.Vxlan;

public sealed class VxlanReportTests
{
    private static readonly VxlanDevicePlan Kept = new([], IsCreated: false, "");
    private static readonly VxlanPlan Nothing = new([], []);
    private static readonly VxlanPlan Two = new([], ["route delete …"]) { BridgeAfter = ["fdb delete …"] };

    private readonly RecordingLogger log = new();
    private readonly VxlanReport report;

    public VxlanReportTests() => report = new VxlanReport(
        new VxlanDevice(1, "eth0", Ipv4Address.Parse("192.168.1.11"), 8472, 1450, MacAddress.Parse("0e:00:00:00:00:01")), log);

    [Fact]
    public void Entries_that_a_changed_lease_requires_are_no_repair()
    {
        report.Add(new VxlanPass(Kept, Two, 1), 1);
        report.Add(new VxlanPass(Kept, Two, 2), 2);
        Assert.Equal(["device flannel.1 forwards to 1 other node", "device flannel.1 forwards to 2 other nodes"], log.Texts);
    }

    [Fact]
    public void The_end_of_a_fallback_is_no_repair()
    {
        report.Add(new VxlanPass(Kept, Nothing, 0) { IsSettling = true }, 1);
        report.Add(new VxlanPass(Kept, Two, 0), 1);
        Assert.Empty(log.Texts);
        report.Add(new VxlanPass(Kept, Two, 0), 1);
        Assert.Single(log.Texts);
    }

    [Fact]
    public void A_repair_is_a_warning()
    {
        report.Add(new VxlanPass(Kept, Nothing, 0), 1);
        report.Add(new VxlanPass(Kept, Two, 0), 1);
        report.Add(new VxlanPass(Kept, Two, 0), 1);
        Assert.Equal([LogLevel.Warning, LogLevel.Warning], log.Lines.Select(line => line.Level));
        Assert.Equal(2, report.Repairs.Value);
        Assert.All(log.Texts, text => Assert.Equal("restored 2 entries of flannel.1: another program changed it", text));
    }

    [Fact]
    public void A_deleted_device_is_a_repair_and_one_with_other_parameters_is_not()
    {
        report.Add(new VxlanPass(Kept, Nothing, 0), 1);
        report.Add(new VxlanPass(new VxlanDevicePlan(["link add …"], IsCreated: true, ""), Two, 0), 1);
        report.Add(new VxlanPass(new VxlanDevicePlan(["link delete …"], IsCreated: true, "port 1, now 8472"), Two, 0), 1);
        Assert.Equal([1153, 1151, 1150], log.Lines.Select(line => line.EventId));
    }

    [Fact]
    public void A_lasting_error_is_logged_once_and_its_end_once()
    {
        report.Add(Result.Failure("ip failed"), 1);
        report.Add(Result.Failure("ip failed"), 1);
        report.Add(new VxlanPass(Kept, Nothing, 0) { EntriesError = "bridge failed" }, 1);
        report.Add(new VxlanPass(Kept, Two, 0), 1);
        report.Add(new VxlanPass(Kept, Nothing, 0), 1);
        Assert.Equal(["ip failed; retrying", "bridge failed; retrying", "device flannel.1 and its entries are set up again"], log.Texts);
    }

    [Fact]
    public void A_lease_that_cannot_be_used_is_logged_once()
    {
        var pass = new VxlanPass(Kept, Nothing, 0)
        {
            Rejected = ["lease 10.24.2.0/24 of 192.168.1.2: VtepMAC is missing"],
            OtherBackends = 3,
            Absent = 2,
        };
        report.Add(pass, 1);
        report.Add(pass, 2);
        Assert.Equal([1156, 1157, 1158], log.Lines.Select(line => line.EventId));
    }
}
