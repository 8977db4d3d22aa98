using Flanneld.Options.Installed;

namespace Flanneld.Tests.Options.Installed;

public sealed class UnitPropertiesTests
{
    /// <summary>Of systemd 252.</summary>
    private const string Shown = """
        StateDirectory=flannel
        ExecStart={ path=/usr/sbin/flanneld ; argv[]=/usr/sbin/flanneld --iface=eth1 $FLANNELD_OPTIONS ; ignore_errors=no ; pid=0 }
        Environment=HOME=/nonexistent "FLANNELD_ETCD_PREFIX=/my network" FLANNELD_IP_MASQ=true
        EnvironmentFiles=/etc/default/flanneld (ignore_errors=yes)
        EnvironmentFiles=/etc/cluster.env (ignore_errors=no)
        LoadState=loaded
        """;

    [Fact]
    public void All_that_the_unit_starts_with_is_read()
    {
        var unit = UnitProperties.Parse(Shown)!;
        Assert.Equal(["HOME=/nonexistent", "FLANNELD_ETCD_PREFIX=/my network", "FLANNELD_IP_MASQ=true"], unit.Environment);
        Assert.Equal(
            [new UnitEnvironmentFile("/etc/default/flanneld", IsOptional: true), new("/etc/cluster.env", IsOptional: false)],
            unit.EnvironmentFiles);
        Assert.Equal(["/usr/sbin/flanneld", "--iface=eth1", "$FLANNELD_OPTIONS"], unit.Command);
        Assert.Equal("flannel", unit.StateDirectory);
    }

    [Theory]
    [InlineData("")]
    [InlineData("LoadState=not-found\nEnvironment=\nExecStart=\n")]
    public void A_unit_that_is_not_installed_is_none(string shown) => Assert.Null(UnitProperties.Parse(shown));

    [Theory]
    [InlineData("a b", "a|b")]
    [InlineData("  a\t b ", "a|b")]
    [InlineData("\"a b\" c", "a b|c")]
    [InlineData("'a b' c", "a b|c")]
    [InlineData("A=\"b c\"", "A=b c")]
    [InlineData("\"a \\\"b\\\"\"", "a \"b\"")]
    [InlineData("$'a\\nb'", "a\nb")]
    [InlineData("\"\" b", "|b")]
    [InlineData("\"not closed", "not closed")]
    [InlineData("", "")]
    public void Words_are_split_as_systemd_prints_them(string text, string expected) =>
        Assert.Equal(expected, string.Join('|', UnitWords.Split(text)));
}
