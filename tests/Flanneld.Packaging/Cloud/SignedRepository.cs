using Flannel.Testbed;

namespace Flanneld.Packaging;

/// <summary>What ./build.sh repo makes of artifacts/packages, signed with a key of its own.</summary>
internal static class SignedRepository
{
    private const string Key = "flanneld-test@example.com";

    // A key and checksums, on a machine that may have other things to do.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    /// <param name="folder">The repository's, made here.</param>
    /// <param name="url">As its clients reach it.</param>
    public static async Task MakeAsync(string folder, string url, CancellationToken cancel)
    {
        using var home = new RunFolder("gnupg");
        File.SetUnixFileMode(home.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = home.Path,
            ["GNUPGHOME"] = home.Path,
            ["LC_ALL"] = "C.UTF-8",
            ["GPG_KEY"] = Key,
            ["REPOSITORY"] = folder,
            ["REPOSITORY_URL"] = url,
        };
        try
        {
            await RunAsync("/usr/bin/gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", Key, "default", "sign", "never");
            await RunAsync(Path.Combine(Locations.Repository(), "packaging", "repository", "build.sh"));
        }
        finally
        {
            // It was started by gpg and would outlive us.
            await Command.TryRunAsync(new ProgramStart("/usr/bin/gpgconf", ["--kill", "gpg-agent"]) { Environment = environment }, CancellationToken.None);
        }

        Task RunAsync(string program, params string[] arguments) => Command.RunAsync(new ProgramStart(program, arguments) { Environment = environment }, cancel, limit: s_limit);
    }
}
