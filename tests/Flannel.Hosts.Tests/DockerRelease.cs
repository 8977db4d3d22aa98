namespace Flannel.Hosts.Tests;

/// <summary>A release of Docker in Debian.</summary>
internal static class DockerRelease
{
    public const string Bookworm = "docker-20.10";
    public const string Trixie = "docker-26.1";
    public const string Sid = "docker-28.5";

    /// <summary>The trait by which eng/hosts.sh leaves out a release that cannot be fetched.</summary>
    public const string Trait = "needs";

    /// <summary>The trait of the tests that ./build.sh test runs, one for each kind of host.</summary>
    public const string Quick = "quick";

    /// <summary>Debian's docker.service.</summary>
    public static string Unit(string release) => File.ReadAllText(
        new[] { "usr/lib", "lib" }.Select(lib => HostPrograms.In(release, lib, "systemd", "system", "docker.service")).First(File.Exists));
}
