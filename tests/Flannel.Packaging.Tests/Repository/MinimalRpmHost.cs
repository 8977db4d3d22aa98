using Flannel.Packaging.Tests.Files;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Repository;

/// <summary>
/// An empty root with one rpm in place of a distribution: a shell (busybox), and systemctl, useradd and groupadd that record their
/// arguments. No rpm distribution is available for the tests; rpm runs the scriptlets in this root.
/// </summary>
internal sealed class MinimalRpmHost(RunFolder folder)
{
    private const string Busybox = "/bin/busybox";

    private const string Spec = """
        %global debug_package %{nil}
        %global __os_install_post %{nil}
        Name: minimal-host
        Version: 1
        Release: 1
        Summary: The minimal contents of a host
        License: MIT
        AutoReqProv: no
        Provides: /bin/sh bash ca-certificates shadow-utils systemd = 239
        %description
        The minimal contents of a host.
        %install
        for name in bin usr/bin usr/sbin var/log dev etc run tmp; do mkdir -p %{buildroot}/$name; done
        cp @BUSYBOX@ %{buildroot}/bin/busybox
        for name in sh rm grep; do ln -s busybox %{buildroot}/bin/$name; done
        printf '#!/bin/sh\necho "systemctl $*" >>/var/log/calls\n' >%{buildroot}/usr/bin/systemctl
        printf '#!/bin/sh\ngrep "^$2:" "/etc/$1"\n' >%{buildroot}/usr/bin/getent
        printf '#!/bin/sh\necho "groupadd $*" >>/var/log/calls\necho flanneld:x:990: >>/etc/group\n' >%{buildroot}/usr/sbin/groupadd
        printf '#!/bin/sh\necho "useradd $*" >>/var/log/calls\n' >%{buildroot}/usr/sbin/useradd
        echo 'echo flanneld:x:990:990::/nonexistent:/sbin/nologin >>/etc/passwd' >>%{buildroot}/usr/sbin/useradd
        echo root:x:0:0::/root:/bin/sh >%{buildroot}/etc/passwd
        echo root:x:0: >%{buildroot}/etc/group
        chmod 755 %{buildroot}/usr/bin/* %{buildroot}/usr/sbin/*
        %files
        %dir /dev
        %dir /run
        %dir /tmp
        %dir /var/log
        /bin/*
        /usr/bin/*
        /usr/sbin/*
        /etc/passwd
        /etc/group

        """;

    public string Root => Path.Combine(folder.Path, "root");

    private string Repositories => Path.Combine(folder.Path, "repos.d");

    /// <summary>Creates an empty root, and the configuration of dnf with the minimal-host rpm and the repository under test.</summary>
    public static async Task<MinimalRpmHost> MakeAsync(RunFolder folder, SignedRepository repository)
    {
        Assert.SkipUnless(File.Exists(Busybox), $"no {Busybox} on this machine: ./build.sh test-packages installs it");
        var host = new MinimalRpmHost(folder);
        var top = Path.Combine(folder.Path, "minimal-host");
        Directory.CreateDirectory(host.Repositories);
        Directory.CreateDirectory(top);
        var spec = Path.Combine(top, "minimal-host.spec");
        await File.WriteAllTextAsync(spec, Spec.Replace("@BUSYBOX@", Busybox, StringComparison.Ordinal), Run.Cancel);
        await Run.OutputAsync("rpmbuild", "-bb", "--define", $"_topdir {top}", "--define", "_binary_payload w1.gzdio", spec);
        await Run.OutputAsync("createrepo_c", "--quiet", Path.Combine(top, "RPMS"));
        await File.WriteAllTextAsync(Path.Combine(host.Repositories, "minimal-host.repo"),
            $"[minimal-host]\nname=minimal-host\nbaseurl=file://{top}/RPMS\ngpgcheck=0\n", Run.Cancel);
        File.Copy(Path.Combine(repository.Served, "flanneld.repo"), Path.Combine(host.Repositories, "flanneld.repo"));
        return host;
    }

    /// <summary>Adds a repository that is enabled and unreachable. As in RHEL, dnf must not skip it.</summary>
    public Task AddUnreachableRepositoryAsync() => File.WriteAllTextAsync(Path.Combine(Repositories, "unreachable.repo"), $"""
        [unreachable]
        name=unreachable
        baseurl=http://127.0.0.1:{Ports.Free(System.Net.IPAddress.Loopback)}/
        retries=1
        gpgcheck=0
        skip_if_unavailable=0

        """, Run.Cancel);

    public Task<CommandResult> DnfAsync(params string[] arguments) => Run.LongAsync(Run.Start("dnf",
    [
        "--assumeyes", $"--installroot={Root}", "--releasever=1", $"--setopt=reposdir={Repositories}",
        $"--setopt=cachedir={folder.Path}/cache", $"--setopt=logdir={folder.Path}",
        "--setopt=install_weak_deps=False", "--setopt=tsflags=", "--setopt=varsdir=/dev/null", "--noplugins", .. arguments,
    ]));

    public string PathOf(string path) => Root + path;

    /// <summary>The calls of systemctl, useradd and groupadd by scriptlets since the last read.</summary>
    public async Task<string[]> CallsAsync()
    {
        var log = PathOf("/var/log/calls");
        if (!File.Exists(log)) return [];
        var calls = Run.Lines(await File.ReadAllTextAsync(log, Run.Cancel));
        File.Delete(log);
        return calls;
    }
}
