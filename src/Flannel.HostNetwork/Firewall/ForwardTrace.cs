using Flannel.Core;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>The first packet of a connection that this host forwards.</summary>
/// <param name="In">The interface on which it arrives.</param>
/// <param name="Out">The interface on which it leaves.</param>
public sealed record ForwardedPacket(string In, string Out, Ipv4Address Source, Ipv4Address Destination);

/// <summary>What iptables does with a packet.</summary>
/// <param name="By">The rule or the policy that decides, for people.</param>
public sealed record ForwardResult(bool IsAccepted, string By);

/// <summary>Follows a packet through the chain FORWARD, as <c>iptables-save</c> prints it. Pure. A rule whose match depends on more than
/// interfaces, addresses and the state of the connection decides nothing here.</summary>
public sealed class ForwardTrace
{
    /// <summary>Prints the rules.</summary>
    public const string Program = "iptables-save";

    private const string Forward = "FORWARD";
    private const string Accept = "ACCEPT";

    // Chains cannot form a loop in the kernel; the text may be of anything.
    private const int MaxDepth = 16;

    private readonly IptablesSnapshot snapshot;

    private ForwardTrace(IptablesSnapshot snapshot) => this.snapshot = snapshot;

    /// <summary>The policy of the chain FORWARD; ACCEPT if the table is not in use.</summary>
    public string Policy => snapshot.PolicyOf(IptablesRules.Filter, Forward) ?? Accept;

    /// <param name="text">The output of <c>iptables-save</c>.</param>
    public static ForwardTrace Parse(string text) => new(IptablesSnapshot.Parse(text));

    /// <summary>Reads the rules of this host.</summary>
    /// <returns>Fails with one line, for example without the permission to read them.</returns>
    public static async Task<Result<ForwardTrace>> ReadAsync(
        FirewallPrograms programs, TimeProvider time, CancellationToken cancellation)
    {
        if (programs.Find(Program) is not { } path) return Result.Failure($"{Program} is not installed");
        var text = await FirewallCommand.LimitAsync(
            Program, stop => FirewallCommand.ReadAsync(path, [], "", stop), time, cancellation);
        return text.Select(Parse);
    }

    /// <summary>Where the packet is accepted or dropped.</summary>
    public ForwardResult Follow(ForwardedPacket packet) =>
        Follow(Forward, packet, 0) ?? new ForwardResult(Policy == Accept, $"the policy of {Forward} is {Policy}");

    /// <summary>Rules of the table raw that drop packets to addresses of a subnet, such as those of Docker 28 for the addresses of its
    /// containers.</summary>
    public IReadOnlyList<string> FindRawDrops(Ipv4Network subnet) =>
    [
        .. (snapshot.Chains("raw").GetValueOrDefault("PREROUTING") ?? [])
            .Where(rule => IptablesRule.Parse(rule) is { Target: "DROP", Destination: { } to } && subnet.Contains(to.Address)),
    ];

    /// <returns>Null if no rule of the chain decides.</returns>
    private ForwardResult? Follow(string chain, ForwardedPacket packet, int depth)
    {
        if (depth > MaxDepth || !snapshot.Chains(IptablesRules.Filter).TryGetValue(chain, out var rules)) return null;
        foreach (var text in rules)
        {
            var rule = IptablesRule.Parse(text);
            if (rule.Matches(packet) != true) continue;
            switch (rule.Target)
            {
                case Accept:
                    return new ForwardResult(true, Describe(chain, text));
                case "DROP" or "REJECT":
                    return new ForwardResult(false, Describe(chain, text));
                case "RETURN":
                    return null;
                case { } target when Follow(target, packet, depth + 1) is { } result:
                    return result;
            }
        }

        return null;
    }

    private static string Describe(string chain, string rule) => $"the rule '-A {chain} {rule}'";
}
