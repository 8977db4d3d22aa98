using System.Globalization;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>Pings between all pairs of containers, every 10 ms, until <see cref="AssertNothingLostAsync"/>.</summary>
internal sealed partial class ContainerPings : IAsyncDisposable
{
    private readonly IReadOnlyList<ChildProcess> pings;

    private ContainerPings(IReadOnlyList<ChildProcess> pings) => this.pings = pings;

    /// <summary>Starts the pings and waits until each has a reply.</summary>
    public static async Task<ContainerPings> StartAsync(IReadOnlyList<Container> containers, CancellationToken cancel)
    {
        var pairs = from source in containers from target in containers where source != target select (source, target);
        var pings = await Task.WhenAll(pairs.Select(pair => ChildProcess.StartAsync(
            new ProgramStart("ping", ["-n", "-i", "0.01", "-W", "1", pair.target.Address]) { Namespace = pair.source.Namespace })));
        await Eventually.IsAsync("all pings have replies", () => Task.FromResult(pings.All(ping => LastReply(ping) > 0)), cancel);
        return new ContainerPings(pings);
    }

    /// <summary>Ends the pings. Every packet between the first and the last reply was answered, and the last reply is recent.</summary>
    public async Task AssertNothingLostAsync(CancellationToken cancel)
    {
        foreach (var ping in pings)
        {
            ping.Interrupt();
            await ping.WaitForExitAsync(cancel);
            var replies = Replies().Matches(ping.StandardOutput).Select(Number).ToHashSet();
            var sent = Number(Sent().Match(ping.StandardOutput));
            var last = replies.Max();
            var lost = Enumerable.Range(1, last).Where(number => !replies.Contains(number)).ToList();
            Assert.True(lost.Count == 0, $"{lost.Count} of {sent} lost: {string.Join(' ', lost)}\n{ping.StandardOutput.Split('\n')[0]}");
            // Those that were under way when ping was ended.
            Assert.InRange(sent - last, 0, 20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var ping in pings) await ping.DisposeAsync();
    }

    private static int LastReply(ChildProcess ping) => Replies().Matches(ping.StandardOutput).Select(Number).LastOrDefault();

    private static int Number(Match match) => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    // Not "From … Destination Host Unreachable".
    [GeneratedRegex("bytes from [0-9.]+: icmp_seq=([0-9]+)")]
    private static partial Regex Replies();

    [GeneratedRegex("([0-9]+) packets transmitted")]
    private static partial Regex Sent();
}
