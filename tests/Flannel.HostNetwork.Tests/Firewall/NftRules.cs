using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Tests.Firewall;

/// <summary>A packet in the postrouting hook.</summary>
internal sealed record Packet(Ipv4Address Source, Ipv4Address Destination, uint Mark);

/// <summary>Evaluates rules of nftables or iptables in text form: the result of the first rule that matches a packet, in the same form for
/// both.</summary>
internal static class NftRules
{
    private const string Accepted = "no rule";

    /// <summary>A chain as <c>nft</c> reads it: one rule per line.</summary>
    public static string ResultOfNft(IEnumerable<string> rules, Packet packet)
    {
        foreach (var rule in rules)
        {
            var parts = new Queue<string>(rule.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            if (Matches(parts, packet)) return string.Join(' ', parts);
        }

        return Accepted;
    }

    /// <summary>A chain as <c>iptables -A</c> takes it, without the chain's name.</summary>
    public static string ResultOfIptables(IEnumerable<string> rules, Packet packet)
    {
        foreach (var rule in rules)
        {
            var parts = new Queue<string>(rule.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            var matches = true;
            while (parts.Peek() != "-j")
            {
                var negated = parts.Peek() == "!";
                if (negated) parts.Dequeue();
                var option = parts.Dequeue();
                var value = parts.Dequeue();
                matches &= negated != option switch
                {
                    "-s" => Ipv4Network.Parse(value).Contains(packet.Source),
                    "-d" => Ipv4Network.Parse(value).Contains(packet.Destination),
                    "--mark" => (packet.Mark & Convert.ToUInt32(value.Split('/')[1], 16)) == Convert.ToUInt32(value.Split('/')[0], 16),
                    _ => throw new FormatException($"'{option}' of '{rule}' is not known"),
                };
            }

            if (!matches) continue;
            parts.Dequeue();
            return string.Join(' ', parts) switch
            {
                "RETURN" => "return",
                "MASQUERADE --random-fully" => "masquerade fully-random",
                var other => throw new FormatException($"'{other}' of '{rule}' is not known"),
            };
        }

        return Accepted;
    }

    private static bool Matches(Queue<string> parts, Packet packet)
    {
        var matches = true;
        while (parts.Peek() is "ip" or "meta")
        {
            var isMark = parts.Dequeue() == "meta";
            var field = parts.Dequeue();
            if (isMark)
            {
                matches &= MatchesMark(parts, field, packet.Mark);
                continue;
            }

            var negated = parts.Peek() == "!=";
            if (negated) parts.Dequeue();
            var range = Ipv4Network.Parse(parts.Dequeue());
            matches &= negated != range.Contains(field switch
            {
                "saddr" => packet.Source,
                "daddr" => packet.Destination,
                _ => throw new FormatException($"'{field}' is not known"),
            });
        }

        return matches;
    }

    /// <summary>The rest of <c>meta mark &amp; MASK == VALUE</c>.</summary>
    private static bool MatchesMark(Queue<string> parts, string field, uint mark)
    {
        var isAnd = field == "mark" && parts.Dequeue() == "&";
        var mask = parts.Dequeue();
        if (!isAnd || parts.Dequeue() != "==") throw new FormatException("a mark is matched as 'meta mark & MASK == VALUE'");
        return (mark & Convert.ToUInt32(mask, 16)) == Convert.ToUInt32(parts.Dequeue(), 16);
    }
}
