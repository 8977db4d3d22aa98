using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Files;

public sealed class ReproducibleTests
{
    [Fact]
    public async Task Equal_sources_in_another_folder_make_equal_bytes()
    {
        var version = (await Run.OutputAsync("dpkg-deb", "--field", Packages.Deb, "Version")).Trim();
        using var folder = new RunFolder("reproducible");
        var copy = await SourceCopy.MakeAsync(folder.Path, version);
        await Task.WhenAll(copy.RunAsync("deb/build.sh", [Packages.Architecture]), copy.RunAsync("rpm/build.sh", [Packages.Architecture]));
        string[] packages = [Packages.Deb, Packages.DebSymbols, Packages.Rpm, Packages.RpmSymbols];
        Assert.Equal(packages.Select(path => Path.GetFileName(path)).Order(),
            Directory.GetFiles(copy.PackagesFolder).Select(path => Path.GetFileName(path)).Order());
        foreach (var package in packages)
        {
            var again = Path.Combine(copy.PackagesFolder, Path.GetFileName(package));
            Assert.True(await Run.Sha256Async(package) == await Run.Sha256Async(again),
                $"{Path.GetFileName(package)} is not the same; are the packages of these sources? (./build.sh package)");
        }
    }
}
