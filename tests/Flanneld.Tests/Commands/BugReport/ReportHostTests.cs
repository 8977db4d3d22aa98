using Flanneld.Commands.BugReport;
using Flanneld.Tests.Support;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class ReportHostTests : IDisposable
{
    private readonly FakeHost host = new();

    public void Dispose() => host.Dispose();

    [Fact]
    public void Drop_ins_of_all_folders_are_shown_without_secrets()
    {
        host.With("/etc/systemd/system/flanneld.service.d/b.conf", "[Service]\nEnvironment=KEY=hunter2\n");
        host.With("/etc/systemd/system/flanneld.service.d/a.conf", "[Unit]\n");
        host.With("/run/systemd/system/flanneld.service.d/c.conf", "[Install]\n");
        host.With("/etc/systemd/system/docker.service.d/d.conf", "of another unit");
        Assert.Equal(
            """
            # /etc/systemd/system/flanneld.service.d/a.conf
            [Unit]
            # /etc/systemd/system/flanneld.service.d/b.conf
            [Service]
            Environment=KEY=***
            # /run/systemd/system/flanneld.service.d/c.conf
            [Install]

            """,
            new ReportHost(host.Files, TimeProvider.System).ReadDropIns());
    }

    [Fact]
    public async Task A_host_without_systemd_and_drop_ins_says_so()
    {
        var report = new ReportHost(host.Files, TimeProvider.System);
        Assert.Equal("none\n", report.ReadDropIns());
        Assert.Equal("systemd does not run on this host\n", await report.ReadJournalAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void The_distribution_is_named()
    {
        host.With("/etc/os-release", "PRETTY_NAME=\"Test 1\"\n");
        Assert.EndsWith("\n\nPRETTY_NAME=\"Test 1\"\n", new ReportHost(host.Files, TimeProvider.System).DescribeVersions());
    }
}
