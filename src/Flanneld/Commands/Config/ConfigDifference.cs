using System.Text.Json;
using Flannel.Core;

namespace Flanneld.Commands.Config;

/// <summary>The difference between two network configurations, key by key, without secrets. Pure.</summary>
/// <param name="Lines">One for each key, in the order of the present value: <c>-</c> for what is removed, <c>+</c> for what is added, a
/// blank for what stays.</param>
/// <param name="IsSame">Whether all keys have the same values. The form of the text may differ.</param>
internal sealed record ConfigDifference(IReadOnlyList<string> Lines, bool IsSame)
{
    /// <param name="Shown">The value without secrets.</param>
    /// <param name="Exact">For the comparison; it may be a secret.</param>
    private sealed record Entry(string Name, string Shown, string Exact);

    /// <param name="before">Null if there is none.</param>
    /// <param name="after">A valid configuration.</param>
    public static ConfigDifference Between(ReadOnlyMemory<byte>? before, ReadOnlyMemory<byte> after)
    {
        List<string> lines = [];
        var old = before is { } value ? TryRead(value) : [];
        if (old is null) lines.Add("- (not valid JSON, and not shown: it may contain a secret)");
        old ??= [];
        var present = TryRead(after) ?? [];
        var isSame = lines.Count == 0;
        foreach (var (key, entry) in old)
        {
            var next = present.GetValueOrDefault(key);
            if (next?.Exact == entry.Exact)
            {
                lines.Add($"  {entry.Name}: {entry.Shown}");
                continue;
            }

            isSame = false;
            lines.Add($"- {entry.Name}: {entry.Shown}");
            if (next is not null) lines.Add($"+ {next.Name}: {next.Shown}{(next.Shown == entry.Shown ? " (another value)" : "")}");
        }

        foreach (var (key, entry) in present)
        {
            if (old.ContainsKey(key)) continue;
            isSame = false;
            lines.Add($"+ {entry.Name}: {entry.Shown}");
        }

        return new ConfigDifference([.. lines.Select(PrintableText.Of)], isSame);
    }

    /// <summary>By the name of the key in capitals: names match in any case, and the last of two equal ones counts.</summary>
    /// <returns>Null if it is not valid JSON.</returns>
    private static Dictionary<string, Entry>? TryRead(ReadOnlyMemory<byte> json)
    {
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        try
        {
            var start = json.Span.StartsWith(System.Text.Encoding.UTF8.Preamble) ? System.Text.Encoding.UTF8.Preamble.Length : 0;
            using var document = JsonDocument.Parse(json[start..]);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
            foreach (var property in LastOfEach(document.RootElement)) Add(entries, property, property.Name);
            return entries;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string is not valid Unicode.
            return null;
        }
    }

    /// <summary>As the daemon reads an object: of two equal names, in any case, the last one counts as a whole.</summary>
    private static IEnumerable<JsonProperty> LastOfEach(JsonElement element)
    {
        var last = new Dictionary<string, object>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in element.EnumerateObject()) last[property.Name] = property;
        return last.Values.Cast<JsonProperty>();
    }

    private static void Add(Dictionary<string, Entry> entries, JsonProperty property, string path)
    {
        var isSecret = ConfigJson.IsSecret(property);
        if (!isSecret && property.Value.ValueKind == JsonValueKind.Object && property.Value.EnumerateObject().Any())
        {
            foreach (var inner in LastOfEach(property.Value)) Add(entries, inner, $"{path}.{inner.Name}");
            return;
        }

        var shown = isSecret ? Redaction.Mask : ConfigJson.ToLine(property.Value, isShown: true);
        entries[path.ToUpperInvariant()] = new Entry(path, shown, ConfigJson.ToLine(property.Value, isShown: false));
    }
}
