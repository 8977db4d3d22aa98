using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>The SBOMs follow the rules of CycloneDX 1.6 and agree with the executable.</summary>
public sealed partial class SbomTests
{
    /// <summary>The licenses (https://spdx.org/licenses) of linked components. A new one needs a decision.</summary>
    private static readonly HashSet<string> licenses =
        ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "LGPL-2.1-or-later", "MIT", "MPL-2.0", "Zlib"];

    private static readonly HashSet<string> expressions = ["Apache-2.0 WITH LLVM-exception", "GPL-3.0-or-later WITH GCC-exception-3.1"];

    /// <summary>In addition those of the separate programs in the image -tools and of their libraries.</summary>
    private static readonly HashSet<string> licensesOfTools =
    [
        .. licenses, .. expressions, "GPL-2.0-only", "GPL-2.0-or-later", "X11-distribute-modifications-variant", "libselinux-1.0",
        "BSD-3-Clause OR GPL-2.0-only", "GPL-2.0-or-later OR LGPL-3.0-or-later", "LGPL-2.1-only OR BSD-2-Clause",
        "LGPL-3.0-or-later OR GPL-2.0-or-later",
    ];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Sboms =>
        [.. Directory.Exists(Packages.Folder)
            ? Directory.GetFiles(Packages.Folder, "*.cdx.json").Select(file => Path.GetFileName(file)) : []];

    [Fact]
    public void Executable_and_image_of_each_architecture_have_an_SBOM()
    {
        var image = Path.GetFileName(Packages.Image)[..^"-oci.tar".Length];
        var architectures = new OciArchive(Packages.Image).Images.Select(one => one.Architecture).ToList();
        Assert.Equal(
            architectures.SelectMany(architecture =>
                new[] { $"{image}-oci-{architecture}.cdx.json", $"{image}-tools-oci-{architecture}.cdx.json" }).Order(),
            Packages.Sboms.Select(file => Path.GetFileName(file)).Where(name => name.Contains("-oci-", StringComparison.Ordinal)).Order());
        Assert.All(architectures, architecture =>
            Assert.Contains($"{image}-{architecture}.cdx.json", Packages.Sboms.Select(file => Path.GetFileName(file))));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Sboms))]
    public async Task The_SBOM_is_valid_CycloneDX(string name)
    {
        var bom = await ReadAsync(name);
        Assert.Equal(("CycloneDX", "1.6", 1), (Text(bom["bomFormat"]), Text(bom["specVersion"]), bom["version"]!.GetValue<int>()));
        Assert.Matches("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", Text(bom["serialNumber"]));
        Assert.True(DateTimeOffset.TryParseExact(Text(bom["metadata"]!["timestamp"]), "yyyy-MM-dd'T'HH:mm:ss'Z'",
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _));
        Assert.Equal(["build"], bom["metadata"]!["lifecycles"]!.AsArray().Select(phase => Text(phase!["phase"])));

        List<JsonObject> all = [bom["metadata"]!["component"]!.AsObject(), .. Components(bom)];
        var references = all.Select(component => Text(component["bom-ref"])).ToList();
        Assert.Equal(references.Count, references.Distinct().Count());
        Assert.All(all, CheckComponent);
        HashSet<string> known = name.Contains("-tools-", StringComparison.Ordinal) ? licensesOfTools : [.. licenses, .. expressions];
        Assert.All(Components(bom), component => CheckLicenses(component["licenses"]?.AsArray() ?? [], known));

        var dependencies = bom["dependencies"]!.AsArray().Select(dependency => dependency!.AsObject()).ToList();
        Assert.Equal(references.Order(), dependencies.Select(dependency => Text(dependency["ref"])).Order());
        Assert.Equal(references.Skip(1).Order(),
            dependencies.Single(dependency => Text(dependency["ref"]) == references[0])["dependsOn"]!.AsArray().Select(Text).Order());
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Sboms))]
    public async Task The_NuGet_packages_are_those_of_the_restore(string name)
    {
        var rid = Architecture(name) == "amd64" ? "linux-x64" : "linux-arm64";
        var assets = Path.Combine(Locations.Repository(), "artifacts", "msbuild", "obj", "Flanneld", "project.assets.json");
        Assert.SkipUnless(File.Exists(assets), $"no {assets}: ./build.sh publish restores");
        var restored = JsonNode.Parse(await File.ReadAllTextAsync(assets, Cancel))!["targets"]!.AsObject();
        // The last publish may have been for the other architecture; the closure without a runtime identifier is the same.
        var libraries = (restored[$"net10.0/{rid}"] ?? restored["net10.0"])!.AsObject();
        var expected = libraries
            .Where(library => Text(library.Value!["type"]) == "package"
                && library.Value["runtime"]?.AsObject().Any(file => file.Key.EndsWith(".dll", StringComparison.Ordinal)) == true)
            .Select(library => library.Key).Order(StringComparer.Ordinal).ToList();
        Assert.True(expected.Count > 10, $"{expected.Count} packages");
        var named = Components(await ReadAsync(name))
            .Where(component => component["purl"] is { } purl && Text(purl).StartsWith("pkg:nuget/", StringComparison.Ordinal))
            .Select(component => $"{Text(component["name"])}/{Text(component["version"])}").ToList();
        // In addition .NET itself: its libraries, and the sources of its OpenSSL shim in the compiler package.
        var runtime = named.Where(package => package.StartsWith($"Microsoft.NETCore.App.Runtime.NativeAOT.{rid}/10.",
            StringComparison.Ordinal) || package.Contains(".Microsoft.DotNet.ILCompiler/10.", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, runtime.Count);
        Assert.Equal(expected, named.Except(runtime).Order(StringComparer.Ordinal));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Sboms))]
    public async Task The_versions_agree_with_the_executable(string name)
    {
        var architecture = Architecture(name);
        var bom = await ReadAsync(name);
        var program = await File.ReadAllBytesAsync(Packages.ExecutableOf(architecture), Cancel);
        var isImage = name.Contains("-oci-", StringComparison.Ordinal);
        Assert.Equal(isImage ? "container" : "application", Text(bom["metadata"]!["component"]!["type"]));
        if (!isImage)
        {
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(program)),
                Text(bom["metadata"]!["component"]!["hashes"]![0]!["content"]));
        }

        var version = Encoding.Latin1.GetString(program);
        var openssl = OpenSslBanner().Match(version);
        Assert.True(openssl.Success, "the executable names no OpenSSL");
        Assert.StartsWith(openssl.Groups[1].Value + "-", VersionOf("libssl-dev"), StringComparison.Ordinal);
        var runtime = Components(bom).Select(component => Text(component["name"]))
            .Single(id => id.StartsWith("Microsoft.NETCore.App.Runtime.", StringComparison.Ordinal));
        Assert.Contains($"{VersionOf(runtime)}+", version, StringComparison.Ordinal);
        Assert.NotEqual("", VersionOf("libc6-dev"));
        // Part of .NET, but not linked.
        Assert.DoesNotContain("brotli", Components(bom).Select(component => Text(component["name"])));
        Assert.DoesNotContain("file", Components(bom).Select(component => Text(component["type"])));

        string VersionOf(string component) => Text(Components(bom).Single(one => Text(one["name"]) == component)["version"]);
    }

    [Fact]
    public async Task The_SBOM_of_the_image_adds_only_the_CA_bundle()
    {
        foreach (var image in new OciArchive(Packages.Image).Images)
        {
            var prefix = Path.GetFileName(Packages.Image)[..^"-oci.tar".Length];
            var executables = Components(await ReadAsync($"{prefix}-{image.Architecture}.cdx.json"))
                .Select(component => component.ToJsonString()).ToHashSet();
            var more = Assert.Single(Components(await ReadAsync($"{prefix}-oci-{image.Architecture}.cdx.json")),
                component => !executables.Contains(component.ToJsonString()));
            Assert.Equal(("ca-certificates", "data"), (Text(more["name"]), Text(more["type"])));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(image.File("etc/ssl/certs/ca-certificates.crt"))),
                Text(more["hashes"]![0]!["content"]));
        }
    }

    [Fact]
    public void The_notices_name_every_linked_component()
    {
        foreach (var image in new OciArchive(Packages.Image).Images)
        {
            var notices = Encoding.UTF8.GetString(image.File("usr/share/doc/flanneld/copyright"));
            var linked = File.ReadAllLines(Path.Combine(Path.GetDirectoryName(Packages.ExecutableOf(image.Architecture))!,
                "flanneld.linked")).Select(line => line.Split('\t'));
            Assert.All(linked.Where(fields => fields[0] is "nuget" or "deb"),
                fields => Assert.Contains($"    {fields[1]} {fields[2]}\n", notices, StringComparison.Ordinal));
            string[] texts =
            [
                "zlib-ng", "LLVM", "OpenSSL", "GNU Lesser General Public", "Google Inc.", "The gRPC Authors", "Shubham Ranjan",
                "Permission is hereby granted, free of charge",
            ];
            foreach (var text in texts)
            {
                Assert.Contains(text, notices, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Equal_inputs_make_equal_bytes_and_another_input_makes_another_serial_number()
    {
        using var one = new ScratchBuild("one").WithExecutable("amd64");
        using var two = new ScratchBuild("two").WithExecutable("amd64");
        await File.AppendAllTextAsync(Path.Combine(one.Root, "LICENSE"), "SPDX-License-Identifier: Apache-2.0\n", Cancel);
        var first = await WriteAsync(one);
        Assert.Equal(first, await WriteAsync(one));
        var second = await WriteAsync(two);
        Assert.Equal("Apache-2.0", Text(JsonNode.Parse(first)!["metadata"]!["component"]!["licenses"]![0]!["license"]!["id"]));
        Assert.Null(JsonNode.Parse(second)!["metadata"]!["component"]!["licenses"]);
        Assert.NotEqual(Text(JsonNode.Parse(first)!["serialNumber"]), Text(JsonNode.Parse(second)!["serialNumber"]));
        Assert.DoesNotContain(one.Root, first, StringComparison.Ordinal);

        static async Task<string> WriteAsync(ScratchBuild scratch)
        {
            var written = await scratch.RunAsync("packaging/sbom/build.sh", ["amd64"], Cancel);
            Assert.True(written.ExitCode == 0, written.Output + written.Error);
            return await File.ReadAllTextAsync(Path.Combine(scratch.PackagesFolder, $"flanneld-{ScratchBuild.Version}-amd64.cdx.json"),
                Cancel);
        }
    }

    [Theory]
    [InlineData("pkg:nuget/Grpc.Net.Client@2.85.0", "Grpc.Net.Client", "2.85.0", true)]
    [InlineData("pkg:deb/debian/libc6-dev@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12", "libc6-dev", "2.36-9+deb12u14", true)]
    [InlineData("pkg:deb/debian/libc6-dev@2.36-9+deb12u14?arch=amd64", "libc6-dev", "2.36-9+deb12u14", false)]
    [InlineData("pkg:deb/debian/libc6-dev@2.36?distro=debian-12&arch=amd64", "libc6-dev", "2.36", false)]
    [InlineData("pkg:nuget/Grpc.Net.Client", "Grpc.Net.Client", "2.85.0", false)]
    public void The_purl_check_accepts_valid_and_refuses_invalid_purls(string purl, string name, string version, bool isValid) =>
        Assert.Equal(isValid, Record.Exception(() => CheckPurl(purl, name, version)) is null);

    /// <summary>Checks a purl by https://github.com/package-url/purl-spec: type, namespace, name, percent-encoded version, sorted
    /// qualifiers.</summary>
    private static void CheckPurl(string purl, string name, string version)
    {
        var parts = Purl().Match(purl);
        Assert.True(parts.Success, purl);
        Assert.Equal(name, Uri.UnescapeDataString(parts.Groups["name"].Value));
        Assert.Equal(version, Uri.UnescapeDataString(parts.Groups["version"].Value));
        var qualifiers = parts.Groups["qualifier"].Captures.Select(capture => capture.Value.Split('=')[0]).ToList();
        Assert.Equal(qualifiers.Order(StringComparer.Ordinal).Distinct(), qualifiers);
    }

    private static void CheckComponent(JsonObject component)
    {
        Assert.Subset(
            new HashSet<string> { "bom-ref", "type", "name", "version", "scope", "hashes", "licenses", "purl", "externalReferences" },
            component.Select(member => member.Key).ToHashSet());
        Assert.Contains(Text(component["type"]), new[] { "application", "framework", "library", "container", "file", "data" });
        Assert.NotEqual("", Text(component["name"]));
        if (component["purl"] is { } purl)
        {
            CheckPurl(Text(purl), Text(component["name"]), Text(component["version"]));
        }
        foreach (var hash in component["hashes"]?.AsArray() ?? [])
        {
            Assert.Matches(Text(hash!["alg"]) switch
            {
                "SHA-256" => "^[0-9a-f]{64}$",
                "SHA-512" => "^[0-9a-f]{128}$",
                _ => "^no such algorithm$"
            }, Text(hash["content"]));
        }
        foreach (var reference in component["externalReferences"]?.AsArray() ?? [])
        {
            Assert.Equal(("website", true),
                (Text(reference!["type"]), Uri.IsWellFormedUriString(Text(reference["url"]), UriKind.Absolute)));
        }
    }

    private static void CheckLicenses(JsonArray licenses, HashSet<string> known)
    {
        var one = Assert.Single(licenses)!;
        Assert.Contains(Text(one["license"]?["id"] ?? one["expression"]), known);
    }

    private static async Task<JsonObject> ReadAsync(string name) =>
        JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Packages.Folder, name), Cancel))!.AsObject();

    private static IEnumerable<JsonObject> Components(JsonObject bom) =>
        bom["components"]!.AsArray().Select(component => component!.AsObject());

    private static string Architecture(string name) =>
        new[] { "amd64", "arm64" }.Single(architecture => name.EndsWith($"-{architecture}.cdx.json", StringComparison.Ordinal));

    private static string Text(JsonNode? node) => node!.GetValue<string>();

    [GeneratedRegex(
        @"^pkg:(?<type>[a-z][a-z0-9.+-]*)/((?<namespace>[A-Za-z0-9._~%-]+)/)*(?<name>[A-Za-z0-9._~%-]+)@(?<version>([A-Za-z0-9._~-]|%[0-9A-F]{2})+)(\?(?<qualifier>[a-z][a-z0-9._-]*=[A-Za-z0-9._~%:/-]+)(&(?<qualifier>[a-z][a-z0-9._-]*=[A-Za-z0-9._~%:/-]+))*)?$")]
    private static partial Regex Purl();

    [GeneratedRegex(@"OpenSSL (\d+\.\d+\.\d+[a-z]?) \d+ [A-Z][a-z]{2} \d{4}")]
    private static partial Regex OpenSslBanner();
}
