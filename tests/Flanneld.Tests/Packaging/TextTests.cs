using System.Text.RegularExpressions;
using System.Xml.Linq;
using Flannel.AliCloud.Credentials;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flannel.Testbed;
using Flanneld.Options;

namespace Flanneld.Tests.Packaging;

/// <summary>The files of the packages agree with the code: they have every flag and no other.</summary>
public sealed class TextTests
{
    [Fact]
    public void The_manual_page_has_every_flag_and_command_and_no_other()
    {
        var page = ManualPage();
        // -v is written with one dash, as --help has it.
        Assert.Equal(Texts.FlagNames.Where(name => name != "v"), Texts.FlagsIn(page));
        Assert.Matches(@"(?m)^\.BI -v ", page);
        Assert.All(CommandDescriptor.All, command => Assert.Matches($@"(?m)^\.TP\n\.B {command.Name}$", page));
    }

    [Fact]
    public void The_manual_page_has_the_defaults()
    {
        var page = ManualPage();
        foreach (var flag in Flags.All.Where(flag => !flag.IsHidden && flag.Default is not ("" or "false")))
        {
            // The entry: from the flag's own line to the next one.
            var entry = Regex.Match(page, $@"(?ms)^\.TP\n\.B\w* -?-{flag.Name}\b.*?(?=^\.TP|^\.S[HS])").Value;
            var value = Regex.Escape(flag.Default);
            Assert.True(Regex.IsMatch(entry, $@"\b[Dd]efault: {value}\b|: {value}\.|; {value}, the default"),
                $"--{flag.Name} {flag.Default}: {entry}");
        }
    }

    [Theory]
    [InlineData("flanneld.bash", @"--([a-z][a-z0-9-]*)")]
    [InlineData("flanneld.zsh", @"'\*?--([a-z][a-z0-9-]*)[=\[]")]
    [InlineData("flanneld.fish", @" -l ([a-z][a-z0-9-]*)")]
    public void A_completion_has_every_flag_and_command_and_no_other(string file, string flag)
    {
        var text = string.Join('\n', Texts.Read("completions", file).Split('\n').Where(line => !line.TrimStart().StartsWith('#')));
        var found = Regex.Matches(text, flag).Select(match => match.Groups[1].Value).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(Texts.FlagNames, found);
        // A sub-command is a word of its own there.
        Assert.All(CommandDescriptor.All.SelectMany(command => command.Name.Split(' ')), word => Assert.Matches($@"\b{word}\b", text));
    }

    [Fact]
    public void The_settings_file_has_every_flag_of_the_daemon_and_no_other()
    {
        var known = Texts.Settings.Select(flag => flag.EnvironmentName).Append("FLANNELD_OPTIONS").Order(StringComparer.Ordinal);
        var found = Regex.Matches(
            Texts.Read("default", "flanneld"), "(?m)^#?([A-Z0-9_]+)=").Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal);
        Assert.Equal(known, found);
    }

    [Fact]
    public void The_settings_file_shows_the_defaults_and_sets_nothing()
    {
        var text = Texts.Read("default", "flanneld");
        Assert.DoesNotMatch("(?m)^[^#\n]", text);
        Assert.All(Texts.Settings, flag => Assert.Contains($"\n#{flag.EnvironmentName}={flag.Default}\n", text));
        // The daemon accepts all of it at once, without the comment signs.
        var environment = Regex.Matches(
            text, "(?m)^#(FLANNELD_[A-Z0-9_]+)=(.*)$").ToDictionary(m => m.Groups[1].Value, m => m.Groups[2].Value);
        Assert.Null(CommandLine.Parse([], environment).Error);
    }

    [Fact]
    public void The_credentials_drop_in_has_the_names_that_the_daemon_reads()
    {
        var names = Regex.Matches(
            Texts.Read("systemd", "examples", "credentials.conf"), "(?m)^LoadCredential=([^:]+):").Select(match => match.Groups[1].Value);
        Assert.Equal(["etcd-password", KeyFileProvider.SystemdCredential], names);
    }

    [Fact]
    public void The_example_of_subnet_env_is_valid()
    {
        var example = Regex.Match(Texts.Read("man", "subnet.env.5"), @"(?s)\.nf\n(.*?)\.fi").Groups[1].Value;
        var expected = new SubnetEnv(Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24"), 1500, false);
        Assert.Equal(System.Text.Encoding.UTF8.GetString(expected.ToBytes()), example);
    }

    [Fact]
    public void The_license_of_every_linked_package_is_in_the_packages()
    {
        var linked = XDocument.Load(Path.Combine(Locations.Repository(), "Directory.Packages.props")).Descendants("ItemGroup")
            .Single(group => (string?)group.Attribute("Label") == "linked into flanneld")
            .Elements("PackageVersion").Select(e => (string)e.Attribute("Include")!);
        var copyright = Texts.Read("licenses", "copyright");
        Assert.All(
            linked,
            name => Assert.Contains(name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)
                ? "Microsoft.Extensions.*" : name, copyright));
    }

    private static string ManualPage() =>
        Texts.Read("man", "flanneld.8").Replace(@"\-", "-", StringComparison.Ordinal).Replace(@"\fR", "", StringComparison.Ordinal)
        .Replace(@"\fP", "", StringComparison.Ordinal);
}
