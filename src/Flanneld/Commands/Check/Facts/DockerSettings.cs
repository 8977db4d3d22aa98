using System.Text.Json;
using Flannel.Core;

namespace Flanneld.Commands.Check.Facts;

/// <summary>The options of <c>/etc/docker/daemon.json</c> that concern flannel; null for one that is not given.</summary>
internal sealed record DockerSettings
{
    public const string Path = "/etc/docker/daemon.json";

    public static readonly DockerSettings None = new();

    public string? BridgeAddress { get; init; }

    public int? Mtu { get; init; }

    public bool? Masquerades { get; init; }

    /// <summary>Whether Docker makes firewall rules.</summary>
    public bool? MakesRules { get; init; }

    public bool? AllowsDirectRouting { get; init; }

    /// <summary><c>iptables</c> or <c>nftables</c>, since Docker 29.</summary>
    public string? FirewallBackend { get; init; }

    /// <summary>Options with a value of another type than Docker expects, one line each: it does not start with them.</summary>
    public IReadOnlyList<string> Invalid { get; init; } = [];

    /// <summary>The names of the given options that the drop-in passes as flags.</summary>
    public IReadOnlyList<string> GivenNames =>
    [
        .. new[] { (BridgeAddress is not null, "bip"), (Mtu is not null, "mtu"), (Masquerades is not null, "ip-masq") }
            .Where(each => each.Item1).Select(each => each.Item2),
    ];

    /// <summary>Docker accepts a byte order mark, and a file without content (<c>daemon/config/config.go</c>). Fails with the rest of a
    /// line that begins with the file's name.</summary>
    public static Result<DockerSettings> Parse(string json)
    {
        json = json.TrimStart('\uFEFF');
        if (string.IsNullOrWhiteSpace(json)) return None;
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Result.Failure("is not a JSON object");
            return new Reader(document.RootElement).Read();
        }
        catch (JsonException e)
        {
            return Result.Failure($"is not valid JSON (line {e.LineNumber + 1}): Docker does not start with it");
        }
        catch (InvalidOperationException)
        {
            // A name or a value with an escape sequence such as \ud800, which is half of a character.
            return Result.Failure("has an unpaired surrogate (such as \\ud800) in a text: Docker does not start with it");
        }
    }

    private sealed class Reader(JsonElement root)
    {
        private readonly List<string> invalid = [];

        public DockerSettings Read() => new()
        {
            BridgeAddress = Find("bip", "a text", JsonValueKind.String)?.GetString(),
            Mtu = ReadNumber("mtu"),
            Masquerades = ReadFlag("ip-masq"),
            MakesRules = ReadFlag("iptables"),
            AllowsDirectRouting = ReadFlag("allow-direct-routing"),
            FirewallBackend = Find("firewall-backend", "a text", JsonValueKind.String)?.GetString(),
            Invalid = invalid,
        };

        private bool? ReadFlag(string name) =>
            Find(name, "true or false", JsonValueKind.True, JsonValueKind.False)?.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => null,
            };

        private int? ReadNumber(string name)
        {
            const string expected = "a whole number";
            if (Find(name, expected, JsonValueKind.Number) is not { } value) return null;
            if (value.TryGetInt32(out var number)) return number;
            invalid.Add($"{name} is not {expected}");
            return null;
        }

        /// <summary>Null counts as not given, as in Go.</summary>
        private JsonElement? Find(string name, string expected, params IReadOnlyList<JsonValueKind> kinds)
        {
            if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
            if (kinds.Contains(value.ValueKind)) return value;
            invalid.Add($"{name} is not {expected}");
            return null;
        }
    }
}
