using System.Net;
using Flannel.Packaging.Tests.Repository;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs the commands of the pages that use an apt repository: README.md and docs/upgrade.md.</summary>
public sealed class RepositoryPageTests : DocumentedMachineTest
{
    private const string Scenario = "repository";

    [Fact]
    public async Task The_commands_of_the_pages_install_and_upgrade_the_deb_from_a_signed_repository()
    {
        await StartMachineAsync();
        await PrepareAsync();
        await using var repository = await SignedRepository.MakeAsync();
        var url = new Uri(repository.Url);
        await using var server = await FileServer.StartAsync(Vpc.Instances[0].Namespace!,
            new IPEndPoint(IPAddress.Loopback, url.Port), repository.Served);
        // The mirrors of the distribution are not reachable.
        await Machine.RunAsync("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*", Cancel);

        await RunPageAsync("README.md", Scenario, ("https://packages.example.com", repository.Url));
        Assert.Contains("/apt/dists/stable/InRelease", server.Requests);
        await ConfigureAsync();
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        Assert.NotNull(await RouteAsync(SubnetOf(await HeldLeaseAsync())));

        var newest = await VersionAsync();
        var older = await Packages.OlderDebAsync(Packages.Deb, PackageFolder, Cancel);
        await InstallAsync($"--allow-downgrades /packages/{Path.GetFileName(older)}");
        Assert.Equal(Packages.OlderVersion, await VersionAsync());
        await RunPageAsync("docs/upgrade.md", Scenario);
        Assert.Equal(newest, await VersionAsync());
    }

    private Task<string> VersionAsync() => Machine.RunAsync("dpkg-query --show --showformat='${Version}' flanneld", Cancel);
}
