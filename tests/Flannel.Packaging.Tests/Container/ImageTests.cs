using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Flannel.EndToEnd.Tests;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Container;

/// <summary>The contents of the image archive, read without a container engine.</summary>
public sealed class ImageTests
{
    private const long MaxCompressedBytes = 9_400_000;
    private const int DaemonUser = 65532;
    private const string AnnotationPrefix = "org.opencontainers.image.";

    private static readonly string[] architectures = ["amd64", "arm64"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void The_compressed_image_is_smaller_than_9_4_MB() =>
        Assert.All(new OciArchive(Packages.Image).Images, image => Assert.InRange(image.CompressedSize, 1, MaxCompressedBytes - 1));

    [Fact]
    public void The_image_holds_only_needed_files_and_only_run_flannel_belongs_to_the_daemon()
    {
        Assert.All(new OciArchive(Packages.Image).Images, image => Assert.Equal(
            [
                "755 0:0 etc", "644 0:0 etc/group", "644 0:0 etc/passwd", "755 0:0 etc/ssl", "755 0:0 etc/ssl/certs",
                "644 0:0 etc/ssl/certs/ca-certificates.crt",
                "755 0:0 opt", "755 0:0 opt/bin", "755 0:0 opt/bin/flanneld", "777 0:0 opt/bin/install-conf", "755 0:0 run",
                "755 0:0 usr", "755 0:0 usr/share", "755 0:0 usr/share/doc", "755 0:0 usr/share/doc/flanneld",
                "644 0:0 usr/share/doc/flanneld/copyright",
                $"755 {DaemonUser}:{DaemonUser} run/flannel",
            ],
            image.Files().Select(file => string.Create(CultureInfo.InvariantCulture,
                $"{Convert.ToString((int)file.Entry.Mode, 8)} {file.Entry.Uid}:{file.Entry.Gid} {file.Entry.Name.TrimEnd('/')}"))));
    }

    [Fact]
    public void The_executable_is_the_published_one_for_its_platform()
    {
        Assert.All(new OciArchive(Packages.Image).Images, image =>
        {
            var program = image.File("opt/bin/flanneld");
            Assert.Equal(File.ReadAllBytes(Packages.ExecutableOf(image.Architecture)), program);
            // e_machine of the ELF header: EM_X86_64, EM_AARCH64.
            Assert.Equal(image.Architecture == "amd64" ? 62 : 183, BitConverter.ToUInt16(program, 18));
            Assert.Equal(("linux", image.Architecture), (Text(image.Config["os"]), Text(image.Config["architecture"])));
        });
    }

    [Fact]
    public void The_CA_bundle_is_that_of_Debian()
    {
        const string folder = "/usr/share/ca-certificates/mozilla";
        var certificatesOfDebian = Directory.GetFiles(folder, "*.crt")
            .Select(file => X509CertificateLoader.LoadCertificateFromFile(file).Thumbprint).Order().ToList();
        Assert.True(certificatesOfDebian.Count > 100, $"{certificatesOfDebian.Count} in {folder}");
        Assert.All(new OciArchive(Packages.Image).Images, image =>
        {
            var bundle = new X509Certificate2Collection();
            bundle.ImportFromPem(Encoding.ASCII.GetString(image.File("etc/ssl/certs/ca-certificates.crt")));
            Assert.Equal(certificatesOfDebian, bundle.Select(certificate => certificate.Thumbprint).Order());
        });
    }

    [Fact]
    public void The_image_runs_an_unprivileged_user_and_has_a_health_check()
    {
        Assert.All(new OciArchive(Packages.Image).Images, image =>
        {
            var config = image.Config["config"]!.AsObject();
            Assert.Equal(["User", "Env", "Entrypoint", "WorkingDir", "Labels", "StopSignal", "Healthcheck"],
                config.Select(member => member.Key));
            Assert.Equal(($"{DaemonUser}:{DaemonUser}", "/", "SIGTERM"),
                (Text(config["User"]), Text(config["WorkingDir"]), Text(config["StopSignal"])));
            Assert.Equal(["/opt/bin/flanneld"], Texts(config["Entrypoint"]));
            Assert.Equal(
                ["PATH=/opt/bin", "HOME=/", "FLANNELD_IMAGE=plain"], Texts(config["Env"]));
            Assert.Equal(["CMD", "/opt/bin/flanneld", "healthcheck"], Texts(config["Healthcheck"]!["Test"]));
            // The command has its own time limit of 5 s and must be able to report it.
            Assert.InRange(config["Healthcheck"]!["Timeout"]!.GetValue<long>(), 5_500_000_000, 10_000_000_000);
        });
    }

    [Fact]
    public void Index_manifests_and_labels_agree()
    {
        var archive = new OciArchive(Packages.Image);
        Assert.Empty(archive.Unused);
        Assert.Equal("application/vnd.oci.image.index.v1+json", Text(archive.Index["mediaType"]));
        var annotations = archive.Index["annotations"]!.AsObject();
        Assert.All(archive.Images, image =>
        {
            Assert.Equal(annotations.ToJsonString(), image.Manifest["annotations"]!.ToJsonString());
            Assert.Equal(annotations.ToJsonString(), image.Config["config"]!["Labels"]!.ToJsonString());
            Assert.Equal(Text(annotations[AnnotationPrefix + "created"]), Text(image.Config["created"]));
            Assert.All(image.Files(), file =>
                Assert.Equal(DateTimeOffset.Parse(Text(annotations[AnnotationPrefix + "created"]), CultureInfo.InvariantCulture),
                    file.Entry.ModificationTime));
        });
        Assert.Equal("flanneld", Text(annotations[AnnotationPrefix + "title"]));
        Assert.Matches(@"^flanneld-(.+)-oci\.tar$", Path.GetFileName(Packages.Image));
        Assert.Equal(
            Path.GetFileName(Packages.Image)["flanneld-".Length..^"-oci.tar".Length], Text(annotations[AnnotationPrefix + "version"]));
        Assert.Matches("^[0-9a-f]{40}$", Text(annotations[AnnotationPrefix + "revision"]));
        Assert.Superset(new HashSet<string> { "MIT", "Apache-2.0", "BSD-3-Clause", "LGPL-2.1-or-later", "MPL-2.0" },
            Text(annotations[AnnotationPrefix + "licenses"]).Split(" AND ").ToHashSet());
    }

    [Fact]
    public async Task Builds_in_two_folders_are_identical_and_cover_both_architectures()
    {
        using var one = new ScratchBuild("a").WithExecutable("amd64").WithExecutable("arm64");
        using var two = new ScratchBuild("b/with a blank/c").WithExecutable("amd64").WithExecutable("arm64");
        var built = await one.RunAsync("packaging/container/build.sh", architectures, Cancel,
            new("SOURCE_URL", "https://code.example/flannel"), new("TZ", "Asia/Shanghai"), new("LC_ALL", "C"));
        Assert.True(built.ExitCode == 0, built.Output + built.Error);
        // Files of the second build get another modification time, in seconds.
        await Task.Delay(TimeSpan.FromSeconds(1.1), Cancel);
        var builtAgain = await two.RunAsync("packaging/container/build.sh", architectures, Cancel,
            new("SOURCE_URL", "https://code.example/flannel"), new("TZ", "UTC"));
        Assert.True(builtAgain.ExitCode == 0, builtAgain.Output + builtAgain.Error);
        Assert.Equal(["flanneld-1.2.3~dev4.gabcdef12-oci-amd64.cdx.json", "flanneld-1.2.3~dev4.gabcdef12-oci-arm64.cdx.json",
            "flanneld-1.2.3~dev4.gabcdef12-oci.tar"],
            Directory.GetFiles(one.PackagesFolder).Select(Path.GetFileName).Order());
        Assert.All(Directory.GetFiles(one.PackagesFolder),
            file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(two.PackagesFolder, Path.GetFileName(file)))));

        var archive = new OciArchive(one.Image);
        Assert.Contains(archive.Digest, built.Output, StringComparison.Ordinal);
        Assert.Equal(architectures, archive.Images.Select(image => image.Architecture));
        Assert.Equal($"localhost/flanneld:{ScratchBuild.Tag}", Text(archive.Root["annotations"]!["org.opencontainers.image.ref.name"]));
        var annotations = archive.Index["annotations"]!;
        Assert.Equal(("2026-01-02T03:04:05Z", ScratchBuild.Version),
            (Text(annotations[AnnotationPrefix + "created"]), Text(annotations[AnnotationPrefix + "version"])));
        Assert.Equal(("https://code.example/flannel", "https://code.example/flannel/blob/main/packaging/container/README.md"),
            (Text(annotations[AnnotationPrefix + "source"]), Text(annotations[AnnotationPrefix + "documentation"])));
    }

    [Theory]
    [InlineData("https://robot:SecretToken@code.example/flannel.git", "https://code.example/flannel")]
    [InlineData("https://code.example/flannel", "https://code.example/flannel")]
    [InlineData("/srv/flannel", null)]
    [InlineData("git@code.example:flannel.git", null)]
    public async Task The_source_annotation_is_the_origin_of_the_clone_without_a_secret(string origin, string? expected)
    {
        using var scratch = new ScratchBuild("a").WithPlaceholder("amd64");
        await GitAsync("init", "--quiet");
        await GitAsync("remote", "add", "origin", origin);
        var built = await scratch.RunAsync("packaging/container/build.sh", ["amd64"], Cancel);
        Assert.True(built.ExitCode == 0, built.Output + built.Error);
        var annotations = new OciArchive(scratch.Image).Index["annotations"]!;
        Assert.Equal(expected, annotations[AnnotationPrefix + "source"]?.GetValue<string>());
        Assert.Equal(expected is null, annotations[AnnotationPrefix + "documentation"] is null);
        Assert.DoesNotContain("SecretToken", annotations.ToJsonString(), StringComparison.Ordinal);

        Task GitAsync(params string[] arguments) =>
            ProcessCommand.RunAsync(new ProgramStart("/usr/bin/git", ["-C", scratch.Root, .. arguments]), Cancel);
    }

    [Fact]
    public async Task An_invalid_call_is_reported_in_one_line()
    {
        using var scratch = new ScratchBuild("a").WithPlaceholder("amd64");
        var none = await scratch.RunAsync("packaging/container/build.sh", [], Cancel);
        Assert.Equal((1, "build.sh: usage: packaging/container/build.sh [--tools] ARCH…\n"), (none.ExitCode, none.Error));
        var unknown = await scratch.RunAsync("packaging/container/build.sh", ["mips"], Cancel);
        Assert.NotEqual(0, unknown.ExitCode);
        Assert.StartsWith("build.sh: unknown architecture 'mips'; use amd64 or arm64\n", unknown.Error, StringComparison.Ordinal);
        var missing = await scratch.RunAsync("packaging/container/build.sh", ["arm64"], Cancel);
        Assert.Equal((1, "build.sh: no artifacts/linux-arm64/flanneld: ./build.sh package makes it\n"), (missing.ExitCode, missing.Error));
        Assert.False(File.Exists(scratch.Image));
    }

    [Fact]
    public async Task Skopeo_copies_the_image_unchanged_and_keeps_the_health_check_for_Docker()
    {
        Require.Program("/usr/bin/skopeo");
        using var folder = new RunFolder("skopeo");
        var environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin", ["HOME"] = folder.Path, ["TMPDIR"] = folder.Path };
        Task<string> SkopeoAsync(params string[] arguments) =>
            ProcessCommand.RunAsync(new ProgramStart("/usr/bin/skopeo", ["--insecure-policy", .. arguments]) { Environment = environment },
                Cancel);
        // The copy has a plain name: skopeo parses a colon in the name, which a version may contain.
        var source = Path.Combine(folder.Path, "image.tar");
        File.Copy(Packages.Image, source);
        await SkopeoAsync("copy", "--all", "--preserve-digests", $"oci-archive:{source}", $"oci:{folder.Path}/layout:pushed");
        await SkopeoAsync("copy", "--all", "--preserve-digests", $"oci:{folder.Path}/layout:pushed",
            $"oci-archive:{folder.Path}/back.tar:pulled");
        Assert.Equal(new OciArchive(source).Digest, new OciArchive(Path.Combine(folder.Path, "back.tar")).Digest);

        await SkopeoAsync("copy", $"oci-archive:{source}", $"docker-archive:{folder.Path}/docker.tar:flanneld:test");
        using var docker = File.OpenRead(Path.Combine(folder.Path, "docker.tar"));
        var files = OciArchive.Read(docker)
            .Where(file => file.Entry.EntryType is TarEntryType.RegularFile).ToDictionary(file => file.Entry.Name, file => file.Content);
        var config = JsonNode.Parse(files["manifest.json"])![0]!["Config"]!.GetValue<string>();
        Assert.Equal(["CMD", "/opt/bin/flanneld", "healthcheck"], Texts(JsonNode.Parse(files[config])!["config"]!["Healthcheck"]!["Test"]));
    }

    private static string Text(JsonNode? node) => node!.GetValue<string>();

    private static IEnumerable<string> Texts(JsonNode? node) => node!.AsArray().Select(Text);
}
