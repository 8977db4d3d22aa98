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

    /// <summary>The names of the given options that the drop-in passes as flags.</summary>
    public IReadOnlyList<string> GivenNames =>
    [
        .. new[] { (BridgeAddress is not null, "bip"), (Mtu is not null, "mtu"), (Masquerades is not null, "ip-masq") }
            .Where(each => each.Item1).Select(each => each.Item2),
    ];

    /// <summary>Fails with the rest of a line that begins with the file's name.</summary>
    public static Result<DockerSettings> Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return Result.Failure("is not a JSON object");
            var root = document.RootElement;
            return new DockerSettings
            {
                BridgeAddress = Text(root, "bip"),
                Mtu = root.TryGetProperty("mtu", out var mtu) && mtu.ValueKind == JsonValueKind.Number && mtu.TryGetInt32(out var bytes)
                    ? bytes
                    : null,
                Masquerades = Flag(root, "ip-masq"),
                MakesRules = Flag(root, "iptables"),
                AllowsDirectRouting = Flag(root, "allow-direct-routing"),
                FirewallBackend = Text(root, "firewall-backend"),
            };
        }
        catch (JsonException e)
        {
            return Result.Failure($"is not valid JSON (line {e.LineNumber + 1}): Docker does not start with it");
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool? Flag(JsonElement root, string name) => root.TryGetProperty(name, out var value)
        ? value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        }
        : null;
}
