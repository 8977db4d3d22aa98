using Flannel.Testbed;
using Flanneld.Commands.BugReport;
using Flanneld.Host;

namespace Flanneld.Tests.Commands.BugReport;

public sealed class ReportHostTests : IDisposable
{
    private readonly RunFolder folder = new("report-host");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Drop_ins_of_all_folders_are_shown_without_secrets()
    {
        Write("/etc/systemd/system/flanneld.service.d/b.conf", "[Service]\nEnvironment=KEY=hunter2\n");
        Write("/etc/systemd/system/flanneld.service.d/a.conf", "[Unit]\n");
        Write("/run/systemd/system/flanneld.service.d/c.conf", "[Install]\n");
        Write("/etc/systemd/system/docker.service.d/d.conf", "of another unit");
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
            new ReportHost(new HostFiles(folder.Path), TimeProvider.System).ReadDropIns());
    }

    [Fact]
    public async Task A_host_without_systemd_and_drop_ins_says_so()
    {
        var host = new ReportHost(new HostFiles(folder.Path), TimeProvider.System);
        Assert.Equal("none\n", host.ReadDropIns());
        Assert.Equal("systemd does not run on this host\n", await host.ReadJournalAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void The_distribution_is_named()
    {
        Write("/etc/os-release", "PRETTY_NAME=\"Test 1\"\n");
        Assert.EndsWith("\n\nPRETTY_NAME=\"Test 1\"\n", new ReportHost(new HostFiles(folder.Path), TimeProvider.System).DescribeVersions());
    }

    private void Write(string path, string text)
    {
        var full = Path.Combine(folder.Path, path.TrimStart('/'));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
