using System.Text.Json;

namespace Flannel.AliCloud.Credentials;

/// <summary>The two forms of a profile file. Total: no bytes make them throw. An error names a line, never its text.</summary>
internal static class ProfileFormats
{
    /// <summary>The CLI's <c>config.json</c>: <c>{"current":"default","profiles":[{"name":"default","mode":"AK",…}]}</c>.</summary>
    public static ProfileList? Json(ReadOnlyMemory<byte> bytes, out string error)
    {
        error = "";
        try
        {
            if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            List<Profile> profiles = [];
            if (root.TryGetProperty("profiles"u8, out var list) && list.ValueKind == JsonValueKind.Array)
                foreach (var one in list.EnumerateArray())
                    if (one.ValueKind == JsonValueKind.Object && one.TryGetProperty("name"u8, out var name) && Text(name) is { Length: > 0 } named)
                        profiles.Add(Read(named, one));
            return new ProfileList(profiles, root.TryGetProperty("current"u8, out var current) ? Text(current) : null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter for half of a surrogate pair, and a root that is no object
        {
            error = e is JsonException { LineNumber: { } line } ? $"it is not valid JSON at line {line + 1}" : "it is not the JSON of a profile file";
            return null;
        }
    }

    /// <summary>The SDKs' INI: sections of <c>name = value</c>; <c>#</c> and <c>;</c> begin a comment, behind a value after a blank.</summary>
    public static ProfileList? Ini(ReadOnlyMemory<byte> bytes, out string error)
    {
        error = "";
        if (FileText.Decode(bytes.Span) is not { } text)
        {
            error = "it is not a text";
            return null;
        }

        List<Profile> profiles = [];
        var number = 0;
        foreach (var whole in text.AsSpan().EnumerateLines())
        {
            number++;
            var line = whole.Trim();
            if (line.IsEmpty || line[0] is '#' or ';') continue;
            if (line[0] == '[')
            {
                var end = line.IndexOf(']');
                if (end < 2)
                {
                    error = $"line {number} is not a section";
                    return null;
                }

                profiles.Add(new Profile(line[1..end].Trim().ToString()));
                continue;
            }

            var equals = line.IndexOf('=');
            if (equals < 1 || profiles.Count == 0)
            {
                error = equals < 1 ? $"line {number} is not of the form name = value" : $"line {number} is in no section";
                return null;
            }

            profiles[^1].Set(line[..equals].Trim().ToString(), Value(line[(equals + 1)..].Trim()));
        }

        return new ProfileList(profiles, "default");
    }

    private static Profile Read(string name, JsonElement fields)
    {
        var profile = new Profile(name);
        foreach (var field in fields.EnumerateObject())
        {
            if (Text(field.Value) is { } text) profile.Set(field.Name, text);
            else if (field.Value.ValueKind == JsonValueKind.Number) profile.Set(field.Name, field.Value.GetRawText());
        }

        return profile;
    }

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Value(ReadOnlySpan<char> text)
    {
        if (text.Length >= 2 && text[0] is '"' or '\'' && text[1..].IndexOf(text[0]) is >= 0 and var end) return text.Slice(1, end).ToString();
        for (var i = 1; i < text.Length; i++)
            if (text[i] is '#' or ';' && char.IsWhiteSpace(text[i - 1])) return text[..i].Trim().ToString();
        return text.IsEmpty || text[0] is '#' or ';' ? "" : text.ToString();
    }
}
