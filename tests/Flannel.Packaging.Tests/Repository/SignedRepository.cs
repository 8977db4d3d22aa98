using System.Net;
using Flannel.Packaging.Tests.Files;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Repository;

/// <summary>The repository that ./build.sh repo builds, signed with a temporary key, on a web server.</summary>
internal sealed class SignedRepository : IAsyncDisposable
{
    private readonly RunFolder folder;
    private readonly SourceCopy copy;
    private readonly FileServer server;

    private SignedRepository(SourceCopy copy, IPEndPoint address, RunFolder folder) =>
        (this.copy, this.folder, Url, server) = (copy, folder, $"http://{address}", FileServer.Start(address, ServedBy(copy)));

    /// <summary>artifacts/repository.</summary>
    public string Served => ServedBy(copy);

    public string Url { get; }

    /// <summary>The output of the build script with the install instructions.</summary>
    public string BuildOutput { get; private set; } = "";

    private NamedValue Keyring => new("GNUPGHOME", Path.Combine(folder.Path, "gnupg"));

    /// <param name="olderVersion">The version of an additional rpm; null for none.</param>
    public static async Task<SignedRepository> MakeAsync(string? olderVersion = null)
    {
        var folder = new RunFolder("repository");
        var copy = await SourceCopy.MakeAsync(Path.Combine(folder.Path, "sources"), olderVersion ?? "0");
        Directory.CreateDirectory(ServedBy(copy));
        var repository = new SignedRepository(copy, new IPEndPoint(IPAddress.Loopback, Ports.Free()), folder);
        try
        {
            if (olderVersion is not null) await copy.RunAsync("rpm/build.sh", [Packages.Architecture], Packages.FastRpm);
            foreach (var package in new[] { Packages.Deb, Packages.DebSymbols, Packages.Rpm, Packages.RpmSymbols })
                File.Copy(package, Path.Combine(copy.PackagesFolder, Path.GetFileName(package)));
            Directory.CreateDirectory(repository.Keyring.Value, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var key = await Run.LongAsync(Run.Start("gpg", ["--batch", "--passphrase", "", "--quick-generate-key", "nobody@example.com",
                "rsa3072", "sign", "never"], repository.Keyring));
            Assert.True(key.ExitCode == 0, key.Error);
            repository.BuildOutput = await copy.RunAsync(
                "packaging/repository/build.sh", [], repository.Keyring, new("GPG_KEY", "nobody@example.com"),
                new("REPOSITORY_URL", repository.Url));
            return repository;
        }
        catch
        {
            await repository.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        await ProcessCommand.TryRunAsync(Run.Start("gpgconf", ["--kill", "all"], Keyring), CancellationToken.None);
        folder.Dispose();
    }

    private static string ServedBy(SourceCopy copy) => Path.Combine(copy.Folder, "artifacts", "repository");
}
