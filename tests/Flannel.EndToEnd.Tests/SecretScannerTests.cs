using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The secret scanner of the test bed finds secrets.</summary>
public sealed class SecretScannerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(SecretScanner.Marker)]
    [InlineData(SecretScanner.TokenMarker)]
    public void A_secret_is_found_in_plain_text_and_in_base64_at_any_offset(string marker)
    {
        Assert.True(SecretScanner.ContainsSecret($"a line with ab{marker}yz in it"));
        for (var before = 0; before < 7; before++)
        {
            var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', before) + marker + new string('y', 7)));
            Assert.True(SecretScanner.ContainsSecret(encoded), $"{before} characters before");
        }
        var other = Convert.ToBase64String(Encoding.UTF8.GetBytes("another line of some length"));
        Assert.False(SecretScanner.ContainsSecret("a line without a secret, and " + other));
    }

    [Fact]
    public void A_secret_in_a_file_is_found_across_read_buffers()
    {
        using var folder = new RunFolder("scan");
        var path = Path.Combine(folder.Path, "state");
        foreach (var at in new[] { 0, (1 << 20) - 9, (1 << 20) - 1, 3 << 20 })
        {
            File.WriteAllText(path, new string('x', at) + SecretScanner.Marker + "tail");
            var found = Assert.Throws<TestbedException>(() => SecretScanner.AssertNoneInFolder(folder.Path, isAllowedInEtcd: false));
            Assert.Contains(path, found.Message, StringComparison.Ordinal);
        }
        File.WriteAllText(path, new string('x', 3 << 20));
        File.WriteAllText(Path.Combine(folder.Path, "access-key.json"), SecretScanner.Marker);
        SecretScanner.AssertNoneInFolder(folder.Path, isAllowedInEtcd: false);
    }

    [Fact]
    public async Task A_secret_that_flanneld_prints_is_found()
    {
        Require.NativeExecutable();
        var found = await Assert.ThrowsAsync<TestbedException>(
            () => ProcessCommand.TryRunAsync(new ProgramStart(Locations.Flanneld, [$"--no-{SecretScanner.Marker}"]), Cancel));
        Assert.Contains("unknown flag", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_on_the_wire_is_found_even_across_two_segments()
    {
        await Require.NamespacesAsync();
        Require.Program(EtcdServer.Program);
        foreach (var isSplit in new[] { false, true })
        {
            var vpc = await VpcTopology.StartAsync(new CloudSetup { Instances = CloudSetup.MakeInstances(1) }, Cancel);
            try
            {
                using var socket = await vpc.Instances[0].Namespace!.CreateSocketAsync(
                    AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.NoDelay = true;
                await socket.ConnectAsync(IPAddress.Parse(VpcTopology.ApiAddress), VpcTopology.ApiPort, Cancel);
                var text = Encoding.ASCII.GetBytes($"GET /{SecretScanner.Marker} HTTP/1.1\r\nHost: api\r\n\r\n");
                var split = isSplit ? 12 : text.Length;
                await socket.SendAsync(text.AsMemory(0, split), Cancel);
                if (isSplit)
                {
                    // An acknowledged first segment is not merged with the second.
                    await Eventually.IsAsync("the first segment is acknowledged", async () => await UnacknowledgedAsync(vpc) == 0, Cancel);
                }
                await socket.SendAsync(text.AsMemory(split), Cancel);
                await socket.ReceiveAsync(new byte[256], Cancel);
            }
            catch
            {
                await vpc.DisposeAsync();
                throw;
            }
            var found = await Assert.ThrowsAsync<TestbedException>(async () => await vpc.DisposeAsync());
            Assert.Contains($"to {VpcTopology.ApiAddress}:{VpcTopology.ApiPort}", found.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Bytes in the send queues of the instance's connections to the API.</summary>
    private static async Task<int> UnacknowledgedAsync(VpcTopology vpc)
    {
        string[] arguments = ["-Htn", "dst", $"{VpcTopology.ApiAddress}:{VpcTopology.ApiPort}"];
        var result = await vpc.Instances[0].Namespace!.ExecAsync("ss", arguments, Cancel);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Sum(
            line => int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture));
    }
}
