using System.Text;
using Flannel.Core.Addresses;

namespace Flannel.HostNetwork.Firewall;

/// <summary>A rule as <c>iptables-save</c> prints it, as far as its match can be decided from a <see cref="ForwardedPacket"/>.</summary>
internal sealed class IptablesRule
{
    private readonly List<Func<ForwardedPacket, bool>> conditions = [];
    private bool isUndecidable;

    private IptablesRule()
    {
    }

    /// <summary>The chain or the target; null without one.</summary>
    public string? Target { get; private set; }

    /// <summary>The range of <c>-d</c>, unless it is negated; null without one.</summary>
    public Ipv4Network? Destination { get; private set; }

    /// <param name="text">Without <c>-A</c> and the chain.</param>
    public static IptablesRule Parse(string text)
    {
        var rule = new IptablesRule();
        var words = new Queue<string>(Split(text));
        var isNegated = false;
        while (words.TryDequeue(out var word))
        {
            if (word == "!")
            {
                isNegated = true;
                continue;
            }

            if (word is "-j" or "-g")
            {
                // What follows are options of the target.
                rule.Target = words.TryDequeue(out var target) ? target : null;
                return rule;
            }

            rule.AddCondition(word, words, isNegated);
            isNegated = false;
        }

        return rule;
    }

    /// <returns>Null if that depends on more than the packet's fields.</returns>
    public bool? Matches(ForwardedPacket packet)
    {
        if (!conditions.TrueForAll(condition => condition(packet))) return false;
        return isUndecidable ? null : true;
    }

    private void AddCondition(string option, Queue<string> words, bool isNegated)
    {
        var value = words.TryPeek(out var next) && !next.StartsWith('-') ? words.Dequeue() : "";
        switch (option)
        {
            case "-m" when value is "comment" or "conntrack" or "state":
            case "--comment":
                break;
            case "-i":
                conditions.Add(packet => IsInterface(value, packet.In) != isNegated);
                break;
            case "-o":
                conditions.Add(packet => IsInterface(value, packet.Out) != isNegated);
                break;
            case "-s" when Ipv4Network.TryParse(value, '/', out var source, out _):
                conditions.Add(packet => source.Contains(packet.Source) != isNegated);
                break;
            case "-d" when Ipv4Network.TryParse(value, '/', out var destination, out _):
                if (!isNegated) Destination = destination;
                conditions.Add(packet => destination.Contains(packet.Destination) != isNegated);
                break;
            case "--ctstate" or "--state":
                var isNew = value.Split(',').Contains("NEW");
                conditions.Add(_ => isNew != isNegated);
                break;
            default:
                isUndecidable = true;
                break;
        }
    }

    /// <summary>A plus sign at the end matches any rest.</summary>
    private static bool IsInterface(string pattern, string name) =>
        pattern.EndsWith('+') ? name.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == name;

    /// <summary>Words at blanks; a text in quotation marks is one word.</summary>
    private static IEnumerable<string> Split(string text)
    {
        var word = new StringBuilder();
        var (isQuoted, isWord) = (false, false);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == ' ' && !isQuoted)
            {
                if (isWord) yield return word.ToString();
                word.Clear();
                isWord = false;
                continue;
            }

            isWord = true;
            if (text[i] == '"') isQuoted = !isQuoted;
            else if (text[i] == '\\' && i + 1 < text.Length) word.Append(text[++i]);
            else word.Append(text[i]);
        }

        if (isWord) yield return word.ToString();
    }
}
