using System.Net;
using Flannel.Packaging.Tests.Repository;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Systemd;

/// <summary>Runs the commands of README.md.</summary>
public sealed class ReadmeTests : MachineTest
{
    [Fact]
    public async Task The_commands_of_the_README_install_the_deb_from_a_signed_repository()
    {
        await StartMachineAsync();
        await using var repository = await SignedRepository.MakeAsync();
        var url = new Uri(repository.Url);
        await using var server = await FileServer.StartAsync(Vpc.Instances[0].Namespace!,
            new IPEndPoint(IPAddress.Loopback, url.Port), repository.Served);
        // The mirrors of the distribution are not reachable.
        await Machine.RunAsync("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*", Cancel);

        var lines = Lines("Then on each instance, with apt:");
        Assert.Contains(lines, line => line.Contains("apt-get install flanneld", StringComparison.Ordinal));
        foreach (var line in lines)
        {
            await Machine.RunAsync(line.Replace("https://packages.example.com", repository.Url, StringComparison.Ordinal), Cancel);
        }

        Assert.Equal("install ok installed", await Machine.RunAsync("dpkg-query --show --showformat='${Status}' flanneld", Cancel));
        Assert.Contains("/apt/dists/stable/InRelease", server.Requests);
        await ConfigureAsync();
        await Machine.RunAsync("systemctl restart flanneld", Cancel);
        Assert.NotNull(await RouteAsync(SubnetOf(await HeldLeaseAsync())));
    }

    /// <summary>The indented lines after a sentence of README.md.</summary>
    private static string[] Lines(string after) =>
        [.. File.ReadLines(Path.Combine(Locations.Repository(), "README.md"))
            .SkipWhile(line => !line.EndsWith(after, StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith("    ", StringComparison.Ordinal)).Select(line => line.Trim())];
}
