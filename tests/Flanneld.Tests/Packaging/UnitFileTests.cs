using System.Text.RegularExpressions;

namespace Flanneld.Tests.Packaging;

/// <summary>The settings of the unit that other parts depend on. tests/Flannel.Packaging.Tests proves their effect.</summary>
public sealed class UnitFileTests
{
    private static readonly string s_unit = Texts.Read("systemd", "flanneld.service");

    [Theory]
    // With DynamicUser the folder would be private, and no other user could read subnet.env.
    [InlineData("User=flanneld")]
    [InlineData("RuntimeDirectory=flannel")]
    [InlineData("RuntimeDirectoryPreserve=yes")]
    [InlineData("RuntimeDirectoryMode=0755")]
    // The last subnet survives a reboot of the host.
    [InlineData("StateDirectory=flannel")]
    [InlineData("Type=notify")]
    [InlineData("Restart=on-failure")]
    [InlineData("StartLimitIntervalSec=0")]
    [InlineData("TimeoutStartSec=infinity")]
    [InlineData("CapabilityBoundingSet=")]
    [InlineData("AmbientCapabilities=")]
    [InlineData("EnvironmentFile=-/etc/default/flanneld")]
    [InlineData("EnvironmentFile=-/etc/sysconfig/flanneld")]
    [InlineData("ExecStart=/usr/sbin/flanneld $FLANNELD_OPTIONS")]
    [InlineData("ExecReload=/bin/sh -c 'kill -HUP $MAINPID'")]
    public void The_unit_contains(string line) => Assert.Contains($"\n{line}\n", s_unit);

    [Theory]
    [InlineData("DynamicUser")]
    // /proc/net/route is read for the default route's interface.
    [InlineData("ProcSubset")]
    // A restart of flanneld must restart no other unit, and the failure of another unit must not stop it.
    [InlineData("Requires")]
    [InlineData("BindsTo")]
    [InlineData("PartOf")]
    public void The_unit_does_not_contain(string key) => Assert.DoesNotMatch($"(?m)^{key}=", s_unit);

    [Theory]
    [InlineData("docker.conf")]
    [InlineData("docker-io.conf")]
    [InlineData("containerd.conf")]
    public void Docker_starts_after_flanneld_and_is_not_restarted_with_it(string example)
    {
        var text = Texts.Read("systemd", "examples", example);
        Assert.Contains("\nWants=flanneld.service\nAfter=flanneld.service\n", text);
        Assert.DoesNotMatch("(?m)^(Requires|BindsTo|PartOf)=", text);
        // Debian's docker.service gives up after three starts.
        Assert.Matches(@"(?s)\[Unit\].*\nStartLimitIntervalSec=0\n.*\[Service\]", text);
    }

    [Fact]
    public void Both_drop_ins_of_Docker_have_the_same_rules()
    {
        var texts = new[] { "docker.conf", "docker-io.conf" }.Select(example => Regex.Replace(
            Texts.Read("systemd", "examples", example), @"(?s)^.*(?=\nEnvironment=DOCKER_INSECURE)", "")
            .Split('\n').Where(line => !line.StartsWith("ExecStart=", StringComparison.Ordinal) && !line.StartsWith('#'))).ToList();
        Assert.Equal(texts[0], texts[1]);
        Assert.Contains("Environment=DOCKER_INSECURE_NO_IPTABLES_RAW=1", texts[0]);
    }

    [Fact]
    public void Settings_are_explained_by_examples_that_exist()
    {
        var named = Regex.Matches(
            Texts.Read("default", "flanneld"), @"\b([a-z-]+\.conf)\b").Select(match => match.Value).Distinct().ToList();
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.True(File.Exists(Texts.Path("systemd", "examples", name)), name));
    }
}
