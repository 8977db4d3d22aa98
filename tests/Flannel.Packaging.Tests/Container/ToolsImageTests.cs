using System.Globalization;
using System.Text.Json.Nodes;

namespace Flannel.Packaging.Tests.Container;

/// <summary>The contents of the image -tools, read without a container engine.</summary>
public sealed class ToolsImageTests
{
    private const long MaxCompressedBytes = 13_000_000;

    private static readonly string[] programs =
    [
        "bridge", "ip", "ip6tables", "ip6tables-restore", "ip6tables-save", "iptables", "iptables-restore", "iptables-save", "nft",
        "xtables-nft-multi",
    ];

    [Fact]
    public void The_compressed_image_is_at_most_13_MB() =>
        Assert.All(new OciArchive(Packages.ToolsImage).Images, image => Assert.InRange(image.CompressedSize, 1, MaxCompressedBytes - 1));

    [Fact]
    public void It_has_the_layer_of_the_plain_image_and_one_more()
    {
        var plain = new OciArchive(Packages.Image).Images.ToDictionary(
            image => image.Architecture, image => OciArchive.Sha256(Assert.Single(image.Layers)));
        var archive = new OciArchive(Packages.ToolsImage);
        Assert.Empty(archive.Unused);
        Assert.Equal(plain.Keys.Order(), archive.Images.Select(image => image.Architecture).Order());
        Assert.All(archive.Images, image =>
            Assert.Equal((2, plain[image.Architecture]), (image.Layers.Count, OciArchive.Sha256(image.Layers[0]))));
        Assert.EndsWith(
            "-tools", archive.Root["annotations"]!["org.opencontainers.image.ref.name"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public void It_runs_as_root_and_finds_its_programs()
    {
        Assert.All(new OciArchive(Packages.ToolsImage).Images, image =>
        {
            var config = image.Config["config"]!;
            Assert.Equal("0:0", config["User"]!.GetValue<string>());
            var environment = config["Env"]!.AsArray().Select(entry => entry!.GetValue<string>()).ToList();
            Assert.Contains("PATH=/opt/bin:/usr/sbin", environment);
            Assert.Contains("FLANNELD_IMAGE=tools", environment);
        });
    }

    [Fact]
    public void The_layer_holds_only_the_programs_their_libraries_and_licenses()
    {
        Assert.All(new OciArchive(Packages.ToolsImage).Images, image =>
        {
            var machine = image.Architecture == "amd64" ? "x86_64" : "aarch64";
            var loader = image.Architecture == "amd64" ? "lib64/ld-linux-x86-64.so.2" : "lib/ld-linux-aarch64.so.1";
            string[] roots = ["usr/sbin/", $"usr/lib/{machine}-linux-gnu/", "usr/share/doc/", "run/flannel"];
            var entries = image.LastFiles().Select(file => file.Entry).ToList();
            Assert.All(entries, entry => Assert.Equal((0, 0), (entry.Uid, entry.Gid)));
            var files = entries.Where(entry => !entry.Name.EndsWith('/')).Select(entry => entry.Name).ToList();
            Assert.All(files, file =>
                Assert.True(file == loader || roots.Any(root => file.StartsWith(root, StringComparison.Ordinal)), file));
            Assert.Contains(loader, files);
            Assert.Equal(programs, files.Where(file => file.StartsWith("usr/sbin/", StringComparison.Ordinal))
                .Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        });
    }

    [Fact]
    public async Task The_SBOM_names_the_package_of_each_license()
    {
        foreach (var image in new OciArchive(Packages.ToolsImage).Images)
        {
            var licenses = image.LastFiles().Select(file => file.Entry.Name.Split('/'))
                .Where(path => path is ["usr", "share", "doc", _, "copyright"]).Select(path => path[3])
                .Order(StringComparer.Ordinal).ToList();
            Assert.Contains("iproute2", licenses);
            var prefix = Path.GetFileName(Packages.ToolsImage)[..^".tar".Length];
            var text = await File.ReadAllTextAsync(
                Path.Combine(Packages.Folder, string.Create(CultureInfo.InvariantCulture, $"{prefix}-{image.Architecture}.cdx.json")),
                TestContext.Current.CancellationToken);
            var named = JsonNode.Parse(text)!["components"]!.AsArray().Where(component =>
                component!["externalReferences"]?[0]?["url"]?.GetValue<string>() is { } url
                && url.StartsWith("https://packages.debian.org/", StringComparison.Ordinal)).ToList();
            Assert.Equal(licenses, named.Select(component => component!["name"]!.GetValue<string>()).Order(StringComparer.Ordinal));
            Assert.All(named, component => Assert.Contains(
                $"arch={image.Architecture}&", component!["purl"]!.GetValue<string>(), StringComparison.Ordinal));
        }
    }
}
