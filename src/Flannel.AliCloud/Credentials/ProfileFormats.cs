using System.Text.Json;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>Parses the two forms of a profile file. No input makes it throw. A failure names a line and never quotes it.</summary>
internal static class ProfileFormats
{
    /// <summary>The <c>config.json</c> of the aliyun CLI:
    /// <c>{"current":"default","profiles":[{"name":"default","mode":"AK",…}]}</c>.</summary>
    public static Result<ProfileList> ParseJson(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
            using var document = JsonDocument.Parse(bytes);
            var root = document.RootElement;
            List<Profile> profiles = [];
            if (root.TryGetProperty("profiles"u8, out var list) && list.ValueKind == JsonValueKind.Array)
                foreach (var element in list.EnumerateArray())
                    if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty("name"u8, out var property)
                        && Text(property) is { Length: > 0 } name)
                        profiles.Add(ReadProfile(name, element));
            return new ProfileList(profiles, root.TryGetProperty("current"u8, out var current) ? Text(current) : null);
        }
        // InvalidOperationException: half of a surrogate pair, or a root that is not an object.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Result.Failure(
                e is JsonException { LineNumber: { } line } ? $"invalid JSON in line {line + 1}" : "not the JSON of a profile file");
        }
    }

    /// <summary>The INI file of the SDKs: sections of <c>name = value</c>. <c>#</c> and <c>;</c> begin a comment, after a value only if a
    /// space precedes them.</summary>
    public static Result<ProfileList> ParseIni(ReadOnlyMemory<byte> bytes)
    {
        if (FileText.Decode(bytes.Span) is not { } text) return Result.Failure("not a UTF-8 text");
        List<Profile> profiles = [];
        var number = 0;
        foreach (var untrimmed in text.AsSpan().EnumerateLines())
        {
            number++;
            var line = untrimmed.Trim();
            if (line.IsEmpty || line[0] is '#' or ';') continue;
            if (line[0] == '[')
            {
                var end = line.IndexOf(']');
                if (end < 2) return Result.Failure($"line {number} is not a section");
                profiles.Add(new Profile(line[1..end].Trim().ToString()));
                continue;
            }

            var equals = line.IndexOf('=');
            if (equals < 1) return Result.Failure($"line {number} is not of the form name = value");
            if (profiles.Count == 0) return Result.Failure($"line {number} is in no section");
            profiles[^1].Set(line[..equals].Trim().ToString(), IniValue(line[(equals + 1)..].Trim()));
        }

        return new ProfileList(profiles, "default");
    }

    private static Profile ReadProfile(string name, JsonElement fields)
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

    private static string IniValue(ReadOnlySpan<char> text)
    {
        if (text.Length >= 2 && text[0] is '"' or '\'' && text[1..].IndexOf(text[0]) is >= 0 and var end)
            return text.Slice(1, end).ToString();
        for (var i = 1; i < text.Length; i++)
            if (text[i] is '#' or ';' && char.IsWhiteSpace(text[i - 1])) return text[..i].Trim().ToString();
        return text.IsEmpty || text[0] is '#' or ';' ? "" : text.ToString();
    }
}
