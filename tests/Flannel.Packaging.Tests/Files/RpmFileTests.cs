using System.Globalization;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

/// <summary>The contents of the rpm, and rpmlint with the exceptions of rpm/rpmlint.toml.</summary>
public sealed class RpmFileTests
{
    [Fact]
    public async Task The_rpm_holds_exactly_these_files_with_these_modes_and_flags()
    {
        // Flags: c configuration, n noreplace, d documentation, l license.
        var entries = Run.Lines(await QueryAsync(Packages.Rpm,
            @"[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILENAMES}\n]"))
            .Select(line => line.Split(' ')).ToList();
        string[] expected =
        [
            "-rw-r--r-- cn /etc/sysconfig/flanneld",
            "lrwxrwxrwx  /usr/lib/ssl/cert.pem",
            "-rw-r--r--  /usr/lib/systemd/system/flanneld.service",
            "-rw-r--r--  /usr/lib/sysusers.d/flanneld.conf",
            "-rwxr-xr-x  /usr/libexec/flannel/mk-docker-opts.sh",
            "-rwxr-xr-x  /usr/sbin/flanneld",
            "-rw-r--r--  /usr/share/bash-completion/completions/flanneld",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/containerd.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/credentials.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/docker-io.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/docker.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/forward-rules.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/ip-masq.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/set-sysctls.conf",
            "-rw-r--r-- d /usr/share/doc/flanneld/examples/vxlan.conf",
            "-rw-r--r--  /usr/share/fish/vendor_completions.d/flanneld.fish",
            "-rw-r--r--  /usr/share/flanneld/alerts.yaml",
            "-rw-r--r--  /usr/share/flanneld/dashboard.json",
            "-rw-r--r-- l /usr/share/licenses/flanneld/Apache-2.0.txt",
            "-rw-r--r-- l /usr/share/licenses/flanneld/GPL-3.0.txt",
            "-rw-r--r-- l /usr/share/licenses/flanneld/LGPL-2.1.txt",
            "-rw-r--r-- l /usr/share/licenses/flanneld/THIRD-PARTY-NOTICES.dotnet",
            "-rw-r--r-- l /usr/share/licenses/flanneld/copyright",
            "-rw-r--r-- d /usr/share/man/man5/subnet.env.5.gz",
            "-rw-r--r-- d /usr/share/man/man8/flanneld.8.gz",
            "-rw-r--r--  /usr/share/zsh/site-functions/_flanneld",
            .. PackageEntries.Documents.Select(document => $"-rw-r--r-- d /usr/share/doc/flanneld/{document}"),
        ];
        Assert.Equal(
            expected.Order(StringComparer.Ordinal),
            PackageEntries.FilesOfRoot(entries).Select(fields => $"{fields[0]} {fields[2]} {fields[3]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_rpm_has_only_the_declared_dependencies()
    {
        var requires = Run.Lines(await QueryAsync(Packages.Rpm, @"[%{REQUIRENAME}\n]"))
            .Where(name => !name.StartsWith("rpmlib(", StringComparison.Ordinal));
        Assert.Equal(["/bin/sh", "bash", "ca-certificates", "shadow-utils", "systemd"], requires.Distinct().Order(StringComparer.Ordinal));
        Assert.Equal("flannel", await QueryAsync(Packages.Rpm, "[%{CONFLICTNAME}]"));
        // Older versions of rpm do not support zstd.
        Assert.Equal("xz", await QueryAsync(Packages.Rpm, "%{PAYLOADCOMPRESSOR}"));
        Assert.Equal(Packages.RpmArchitecture, await QueryAsync(Packages.Rpm, "%{ARCH}"));
    }

    [Fact]
    public async Task The_rpm_has_the_version_and_time_of_the_deb()
    {
        var version = (await Run.OutputAsync("dpkg-deb", "--field", Packages.Deb, "Version")).Trim();
        Assert.Equal(version + "-1", await QueryAsync(Packages.Rpm, "%{VERSION}-%{RELEASE}"));
        Assert.Contains(version + "-1", await QueryAsync(Packages.Rpm, "[%{CHANGELOGNAME}]"));
        Assert.Equal("localhost", await QueryAsync(Packages.Rpm, "%{BUILDHOST}"));
    }

    [Fact]
    public async Task The_executable_is_the_compiled_one()
    {
        var digests = Run.Lines(await QueryAsync(Packages.Rpm, @"[%{FILEDIGESTS} %{FILENAMES}\n]"));
        Assert.Contains($"{await Run.Sha256Async(Packages.Executable)} /usr/sbin/flanneld", digests);
    }

    [Fact]
    public async Task The_CA_bundle_of_the_system_is_linked_to_the_path_of_OpenSSL()
    {
        // Without SSL_CERT_FILE, OpenSSL reads the CA bundle at its compiled-in path; these distributions have the bundle elsewhere.
        var executable = await File.ReadAllBytesAsync(Packages.Executable, Run.Cancel);
        Assert.True(executable.AsSpan().IndexOf("\0/usr/lib/ssl/cert.pem\0"u8) > 0,
            "the linked OpenSSL uses another path; change packaging/stage.sh");
        var links = Run.Lines(await QueryAsync(Packages.Rpm, @"[%{FILENAMES} %{FILELINKTOS}\n]"));
        Assert.Contains("/usr/lib/ssl/cert.pem ../../../etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", links);
    }

    [Fact]
    public async Task Rpmlint_reports_nothing()
    {
        var config = Path.Combine(Locations.Repository(), "rpm/rpmlint.toml");
        var result = await Run.LongAsync(Run.Start("rpmlint", ["--config", config, Packages.Rpm, Packages.RpmSymbols]));
        Assert.Contains(" 2 packages and 0 specfiles checked; 0 errors, 0 warnings", result.Output);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public async Task The_symbols_belong_to_the_executable_and_are_in_the_path_of_gdb()
    {
        var id = await Run.BuildIdAsync(Packages.Executable);
        Assert.Contains($"/usr/lib/debug/.build-id/{id[..2]}/{id[2..]}.debug",
            Run.Lines(await QueryAsync(Packages.RpmSymbols, @"[%{FILENAMES}\n]")));
        Assert.True(long.Parse(await QueryAsync(Packages.RpmSymbols, "%{SIZE}"),
            CultureInfo.InvariantCulture) > new FileInfo(Packages.Executable).Length);
    }

    private static Task<string> QueryAsync(string rpm, string format) =>
        Run.OutputAsync("rpm", "--query", "--package", "--nosignature", "--queryformat", format, rpm);
}
