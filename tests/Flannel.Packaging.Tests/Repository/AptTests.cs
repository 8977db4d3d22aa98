using Flannel.Packaging.Tests.Files;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Repository;

/// <summary>The apt repository on a web server, read by apt with separate folders; the host's apt is not changed.</summary>
public sealed class AptTests : IDisposable
{
    private readonly RunFolder folder = new("apt");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Apt_accepts_the_signature_and_downloads_the_packages()
    {
        await using var repository = await SignedRepository.MakeAsync();
        var update = await AptAsync(repository, "update");
        Assert.True(update.ExitCode == 0, update.Output + update.Error);
        Assert.DoesNotContain("W:", update.Output + update.Error);

        var download = await AptAsync(repository, "download", "flanneld", "flanneld-dbgsym");
        Assert.True(download.ExitCode == 0, download.Output + download.Error);
        foreach (var package in new[] { Packages.Deb, Packages.DebSymbols })
        {
            // apt encodes only ':' in file names, as %3a.
            var got = Path.Combine(folder.Path, "downloads", Path.GetFileName(package));
            Assert.Equal(await Run.Sha256Async(package), await Run.Sha256Async(got));
        }
    }

    [Fact]
    public async Task Apt_refuses_a_modified_index()
    {
        await using var repository = await SignedRepository.MakeAsync();
        var release = Path.Combine(repository.Served, "apt/dists/stable/InRelease");
        var text = await File.ReadAllTextAsync(release, Run.Cancel);
        await File.WriteAllTextAsync(release, text.Replace("Origin: Flannel.Aot", "Origin: Other", StringComparison.Ordinal), Run.Cancel);
        var update = await AptAsync(repository, "update");
        Assert.NotEqual(0, update.ExitCode);
        Assert.Contains("BADSIG", update.Output + update.Error);
    }

    [Fact]
    public async Task The_install_instructions_name_existing_files()
    {
        await using var repository = await SignedRepository.MakeAsync();
        var urls = System.Text.RegularExpressions.Regex.Matches(repository.BuildOutput, $"{repository.Url}(/\\S+)")
            .Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(["/flanneld.asc", "/flanneld.repo", "/flanneld.sources"], urls.Distinct().Order(StringComparer.Ordinal));
        using var client = new HttpClient();
        Assert.All(urls, url => Assert.True(File.Exists(repository.Served + url), url));
        Assert.StartsWith("-----BEGIN PGP PUBLIC KEY BLOCK-----",
            await client.GetStringAsync(new Uri(repository.Url + "/flanneld.asc"), Run.Cancel));
        Assert.DoesNotContain("PRIVATE", await client.GetStringAsync(new Uri(repository.Url + "/flanneld.asc"), Run.Cancel));
    }

    private async Task<CommandResult> AptAsync(SignedRepository repository, string verb, params string[] arguments)
    {
        foreach (var name in new[] { "sources", "lists/partial", "archives/partial", "downloads" })
            Directory.CreateDirectory(Path.Combine(folder.Path, name));
        // The file of a node, with another path of the key.
        var sources = await File.ReadAllTextAsync(Path.Combine(repository.Served, "flanneld.sources"), Run.Cancel);
        Assert.Contains("\nSigned-By: /etc/apt/keyrings/flanneld.asc\n", sources);
        var key = Path.Combine(folder.Path, "flanneld.asc");
        File.Copy(Path.Combine(repository.Served, "flanneld.asc"), key, overwrite: true);
        await File.WriteAllTextAsync(
            Path.Combine(folder.Path, "sources/flanneld.sources"),
            sources.Replace("/etc/apt/keyrings/flanneld.asc", key, StringComparison.Ordinal), Run.Cancel);

        string[] options =
        [
            "Dir::Etc::sourcelist=/dev/null", $"Dir::Etc::sourceparts={folder.Path}/sources", "Dir::Etc::parts=/dev/null",
            "Dir::Etc::main=/dev/null", $"Dir::State::lists={folder.Path}/lists",
            $"Dir::Cache::archives={folder.Path}/archives", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=",
            "Dir::State::status=/dev/null", "APT::Sandbox::User=root", "Acquire::Languages=none",
            $"APT::Architecture={Packages.Architecture}",
        ];
        return await Run.LongAsync(Run.Start("/bin/sh",
            ["-c", "cd \"$1\" && shift && exec \"$@\"", "sh", Path.Combine(folder.Path, "downloads"), "apt-get",
            .. options.SelectMany(option => new[] { "-o", option }), verb, .. arguments]));
    }
}
