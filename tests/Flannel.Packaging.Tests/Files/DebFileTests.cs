using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>The contents of the deb, and lintian.</summary>
public sealed class DebFileTests
{
    [Fact]
    public async Task The_deb_holds_exactly_these_files_with_these_modes_and_owners()
    {
        // -rw-r--r-- root/root 2163 2026-11-24 18:33 ./etc/default/flanneld
        var entries = Run.Lines(await Run.OutputAsync("dpkg-deb", "--contents", Packages.Deb))
            .Select(line => line.Split((char[]?)null, 6, StringSplitOptions.RemoveEmptyEntries)).ToList();
        string[] expected =
        [
            "-rw-r--r-- ./etc/default/flanneld",
            "-rw-r--r-- ./lib/systemd/system/flanneld.service",
            "-rwxr-xr-x ./usr/lib/flannel/mk-docker-opts.sh",
            "-rw-r--r-- ./usr/lib/sysusers.d/flanneld.conf",
            "-rwxr-xr-x ./usr/sbin/flanneld",
            "-rw-r--r-- ./usr/share/bash-completion/completions/flanneld",
            "-rw-r--r-- ./usr/share/doc/flanneld/THIRD-PARTY-NOTICES.dotnet.gz",
            "-rw-r--r-- ./usr/share/doc/flanneld/changelog.gz",
            "-rw-r--r-- ./usr/share/doc/flanneld/copyright",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/containerd.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/credentials.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/docker-io.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/docker.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/forward-rules.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/ip-masq.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/set-sysctls.conf",
            "-rw-r--r-- ./usr/share/doc/flanneld/examples/vxlan.conf",
            "-rw-r--r-- ./usr/share/fish/vendor_completions.d/flanneld.fish",
            "-rw-r--r-- ./usr/share/flanneld/alerts.yaml",
            "-rw-r--r-- ./usr/share/flanneld/dashboard.json",
            "-rw-r--r-- ./usr/share/lintian/overrides/flanneld",
            "-rw-r--r-- ./usr/share/man/man5/subnet.env.5.gz",
            "-rw-r--r-- ./usr/share/man/man8/flanneld.8.gz",
            "-rw-r--r-- ./usr/share/zsh/vendor-completions/_flanneld",
            .. PackageEntries.Documents.Select(document => $"-rw-r--r-- ./usr/share/doc/flanneld/{document}"),
        ];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            PackageEntries.FilesOfRoot(entries).Select(fields => $"{fields[0]} {fields[5]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Only_the_settings_are_a_conffile() =>
        Assert.Equal("/etc/default/flanneld", (await Run.OutputAsync("dpkg-deb", "--info", Packages.Deb, "conffiles")).Trim());

    [Fact]
    public async Task The_deb_depends_only_on_CA_certificates_and_sysusers()
    {
        Assert.Equal("flanneld", await FieldAsync(Packages.Deb, "Package"));
        Assert.Equal(Packages.Architecture, await FieldAsync(Packages.Deb, "Architecture"));
        Assert.Equal("ca-certificates, systemd | systemd-standalone-sysusers | systemd-sysusers",
            await FieldAsync(Packages.Deb, "Depends"));
    }

    [Fact]
    public async Task The_executable_is_the_compiled_one_and_prints_its_version()
    {
        using var folder = new RunFolder("deb");
        await Run.OutputAsync("dpkg-deb", "--extract", Packages.Deb, folder.Path);
        var executable = Path.Combine(folder.Path, "usr/sbin/flanneld");
        Assert.Equal(await Run.Sha256Async(Packages.Executable), await Run.Sha256Async(executable));
        Assert.Matches(@"^\d+\.\d+\.\d+", await Run.OutputAsync(executable, "--version"));
    }

    [Fact]
    public async Task The_examples_name_the_installed_path_of_the_script()
    {
        using var folder = new RunFolder("deb");
        await Run.OutputAsync("dpkg-deb", "--extract", Packages.Deb, folder.Path);
        foreach (var example in Directory.GetFiles(Path.Combine(folder.Path, "usr/share/doc/flanneld/examples"), "docker*.conf"))
        {
            var text = await File.ReadAllTextAsync(example, Run.Cancel);
            Assert.Contains("/usr/lib/flannel/mk-docker-opts.sh -c", text);
            Assert.DoesNotContain('@', text);
        }
    }

    [Fact]
    public async Task Lintian_reports_nothing()
    {
        var result = await Run.LongAsync(Run.Start("lintian",
            ["--allow-root", "--no-cfg", "--fail-on", "error,warning", Packages.Deb, Packages.DebSymbols]));
        Assert.Equal(("", 0), (result.Output + result.Error, result.ExitCode));
    }

    [Fact]
    public async Task Every_lintian_override_is_used_and_explained()
    {
        var overrides = await File.ReadAllLinesAsync(Path.Combine(Locations.Repository(), "deb/debian/flanneld.lintian-overrides"),
            Run.Cancel);
        Assert.StartsWith("#", overrides[0]);
        // lintian reports overrides that match no tag.
        var result = await Run.LongAsync(Run.Start("lintian",
            ["--allow-root", "--no-cfg", "--tags", "unused-override,mismatched-override", Packages.Deb]));
        Assert.Equal("", result.Output);
    }

    [Fact]
    public async Task The_symbols_belong_to_the_executable_and_are_in_the_path_of_gdb()
    {
        var id = await Run.BuildIdAsync(Packages.Executable);
        Assert.Equal(id, await FieldAsync(Packages.DebSymbols, "Build-Ids"));
        Assert.Equal("debug-symbols", await FieldAsync(Packages.DebSymbols, "Auto-Built-Package"));
        Assert.Equal($"flanneld (= {await FieldAsync(Packages.Deb, "Version")})", await FieldAsync(Packages.DebSymbols, "Depends"));
        using var folder = new RunFolder("deb");
        await Run.OutputAsync("dpkg-deb", "--extract", Packages.DebSymbols, folder.Path);
        var symbols = Path.Combine(folder.Path, "usr/lib/debug/.build-id", id[..2], id[2..] + ".debug");
        Assert.Equal(id, await Run.BuildIdAsync(symbols));
        Assert.Contains(".debug_info", await Run.OutputAsync("readelf", "-SW", symbols));
    }

    private static async Task<string> FieldAsync(string deb, string field) =>
        (await Run.OutputAsync("dpkg-deb", "--field", deb, field)).Trim();
}
