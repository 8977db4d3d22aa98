using System.Text;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>That the watch over all end-to-end tests sees what it is there to see.</summary>
public sealed class SecretWatchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SecretWatch.Mark)]
    [InlineData(SecretWatch.TokenMark)]
    public void A_secret_is_seen_as_it_is_and_in_base64_wherever_it_begins(string mark)
    {
        Assert.True(SecretWatch.Holds($"a line with ab{mark}yz in it"));
        for (var before = 0; before < 7; before++)
        {
            Assert.True(SecretWatch.Holds(Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', before) + mark + new string('y', 7)))), $"{before} letters before");
        }
        Assert.False(SecretWatch.Holds("an innocent line, and " + Convert.ToBase64String(Encoding.UTF8.GetBytes("another one, of some length"))));
    }

    [Fact]
    public void A_secret_in_a_file_is_seen_across_the_pieces_in_which_it_is_read()
    {
        using var folder = new RunFolder("watch");
        var path = Path.Combine(folder.Path, "state");
        foreach (var at in new[] { 0, (1 << 20) - 9, (1 << 20) - 1, 3 << 20 })
        {
            File.WriteAllText(path, new string('x', at) + SecretWatch.Mark + "tail");
            Assert.Contains(path, Assert.Throws<TestbedException>(() => SecretWatch.LookInto(folder.Path, etcdMay: false)).Message, StringComparison.Ordinal);
        }
        File.WriteAllText(path, new string('x', 3 << 20));
        File.WriteAllText(Path.Combine(folder.Path, "access-key.json"), SecretWatch.Mark);
        SecretWatch.LookInto(folder.Path, etcdMay: false);
    }

    [Fact]
    public async Task A_secret_that_flanneld_prints_is_seen()
    {
        Needs.NativeExecutable();
        var printed = await Assert.ThrowsAsync<TestbedException>(() => ProcessCommand.TryRunAsync(new ProgramStart(Locations.Flanneld, [$"--no-{SecretWatch.Mark}"]), Cancel));
        Assert.Contains("unknown flag", printed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_on_the_wire_is_seen_even_in_two_halves()
    {
        await Needs.NamespacesAsync();
        Needs.Program("/usr/bin/etcd");
        foreach (var halves in new[] { false, true })
        {
            var vpc = await VpcTopology.StartAsync(new World { Instances = World.MakeInstances(1) }, Cancel);
            try
            {
                using var socket = await vpc.Instances[0].Namespace!.CreateSocketAsync(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                socket.NoDelay = true;
                await socket.ConnectAsync(System.Net.IPAddress.Parse(VpcTopology.ApiAddress), 8080, Cancel);
                var text = Encoding.ASCII.GetBytes($"GET /{SecretWatch.Mark} HTTP/1.1\r\nHost: api\r\n\r\n");
                var cut = halves ? 12 : text.Length;
                await socket.SendAsync(text.AsMemory(0, cut), Cancel);
                if (halves)
                {
                    // The other end has the first segment before the second is made.
                    await Eventually.IsAsync("the first half is acknowledged", async () => await UnacknowledgedAsync(vpc) == 0, Cancel);
                }
                await socket.SendAsync(text.AsMemory(cut), Cancel);
                await socket.ReceiveAsync(new byte[256], Cancel);
            }
            catch
            {
                await vpc.DisposeAsync();
                throw;
            }
            var seen = await Assert.ThrowsAsync<TestbedException>(async () => await vpc.DisposeAsync());
            Assert.Contains($"to {VpcTopology.ApiAddress}:8080", seen.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Bytes in the send queues of the instance's connections to the API.</summary>
    private static async Task<int> UnacknowledgedAsync(VpcTopology vpc)
    {
        var result = await vpc.Instances[0].Namespace!.ExecAsync("ss", ["-Htn", "dst", $"{VpcTopology.ApiAddress}:8080"], Cancel);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Sum(line => int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], System.Globalization.CultureInfo.InvariantCulture));
    }
}
