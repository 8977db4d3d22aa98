namespace Flannel.Hosts.Tests;

/// <summary>A release of Docker in Debian.</summary>
internal static class DockerRelease
{
    public const string Bookworm = "docker-20.10";
    public const string Trixie = "docker-26.1";
    public const string Sid = "docker-28.5";

    /// <summary>Debian's docker.service.</summary>
    public static string Unit(string release) => File.ReadAllText(
        new[] { "usr/lib", "lib" }.Select(lib => HostPrograms.In(release, lib, "systemd", "system", "docker.service")).First(File.Exists));
}
