using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Tests;

/// <summary>A packet in the postrouting hook.</summary>
internal sealed record Packet(Ipv4Address Source, Ipv4Address Destination, uint Mark);

/// <summary>What becomes of a packet by rules that are text, of nftables or of iptables: the verdict of the first rule that matches, in the
/// same words for both.</summary>
internal static class NftRules
{
    private const string Accepted = "no rule";

    /// <summary>A chain as <c>nft</c> reads it: one rule a line.</summary>
    public static string VerdictOfNft(IEnumerable<string> rules, Packet packet)
    {
        foreach (var rule in rules)
        {
            var words = new Queue<string>(rule.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            if (Matches(words, packet)) return string.Join(' ', words);
        }

        return Accepted;
    }

    /// <summary>A chain as <c>iptables -A</c> takes it, without the chain's name.</summary>
    public static string VerdictOfIptables(IEnumerable<string> rules, Packet packet)
    {
        foreach (var rule in rules)
        {
            var words = new Queue<string>(rule.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            var matches = true;
            while (words.Peek() != "-j")
            {
                var negated = words.Peek() == "!";
                if (negated) words.Dequeue();
                var option = words.Dequeue();
                var value = words.Dequeue();
                matches &= negated != option switch
                {
                    "-s" => Ipv4Network.Parse(value).Contains(packet.Source),
                    "-d" => Ipv4Network.Parse(value).Contains(packet.Destination),
                    "--mark" => (packet.Mark & Convert.ToUInt32(value.Split('/')[1], 16)) == Convert.ToUInt32(value.Split('/')[0], 16),
                    _ => throw new FormatException($"'{option}' of '{rule}' is not known"),
                };
            }

            if (!matches) continue;
            words.Dequeue();
            return string.Join(' ', words) switch
            {
                "RETURN" => "return",
                "MASQUERADE --random-fully" => "masquerade fully-random",
                var other => throw new FormatException($"'{other}' of '{rule}' is not known"),
            };
        }

        return Accepted;
    }

    private static bool Matches(Queue<string> words, Packet packet)
    {
        var matches = true;
        while (words.Peek() is "ip" or "meta")
        {
            var isMark = words.Dequeue() == "meta";
            var field = words.Dequeue();
            if (isMark)
            {
                if (field != "mark" || words.Dequeue() != "&") throw new FormatException(
                    "a mark is matched as 'meta mark & MASK == VALUE'");
                var mask = Convert.ToUInt32(words.Dequeue(), 16);
                if (words.Dequeue() != "==") throw new FormatException("a mark is matched as 'meta mark & MASK == VALUE'");
                matches &= (packet.Mark & mask) == Convert.ToUInt32(words.Dequeue(), 16);
                continue;
            }

            var negated = words.Peek() == "!=";
            if (negated) words.Dequeue();
            var range = Ipv4Network.Parse(words.Dequeue());
            matches &= negated != range.Contains(field switch
            {
                "saddr" => packet.Source,
                "daddr" => packet.Destination,
                _ => throw new FormatException($"'{field}' is not known"),
            });
        }

        return matches;
    }
}
