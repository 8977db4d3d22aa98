using System.Globalization;
using System.Text.Json;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>
/// The forms of an access key in a file: JSON (<c>{"AccessKeyId":"…","AccessKeySecret":"…"}</c>, with <c>SecurityToken</c> and <c>Expiration</c> for
/// a temporary one, as a RAM role's key looks), the CSV of the console's download (<c>AccessKey ID,AccessKey Secret</c> and a line of values), or
/// lines of <c>name = value</c> (<c>AccessKeyId</c>, <c>access_key_id</c>, <c>ALIBABA_CLOUD_ACCESS_KEY_ID</c> …), perhaps below one <c>[section]</c>.
/// Total: no bytes make it throw. An error names a line, never its text.
/// </summary>
internal static class KeyFileFormat
{
    public static AccessKey? Parse(ReadOnlySpan<byte> bytes, out string error)
    {
        if (FileText.Decode(bytes) is not { } text)
        {
            error = "it is not a text";
            return null;
        }

        Fields fields = new();
        error = text.TrimStart().StartsWith('{') ? Json(text, fields) : Lines(text, fields);
        return error.Length > 0 ? null : AccessKey.Create(fields.Id, fields.Secret, fields.Token, fields.Expiration, out error);
    }

    private static string Json(string text, Fields fields)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.Null) continue;
                var value = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
                if (value is null || !fields.Take(property.Name, value))
                    return "its JSON may hold AccessKeyId, AccessKeySecret, SecurityToken and Expiration, each once and as a string";
            }

            return "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return e is JsonException { LineNumber: { } line } ? $"it is not valid JSON at line {line + 1}" : "it is not valid JSON";
        }
    }

    private static string Lines(string text, Fields fields)
    {
        var lines = text.Split('\n').Select((l, i) => (Text: l.Trim(), Number: i + 1)).Where(l => l.Text.Length > 0 && l.Text[0] is not ('#' or ';')).ToList();
        if (lines.Count == 0) return "it is empty";
        if (IsHeader(lines[0].Text)) return Csv([.. lines.Select(l => l.Text)], fields);
        var sections = 0;
        foreach (var (line, number) in lines)
        {
            if (line[0] == '[' && line[^1] == ']')
            {
                if (++sections > 1) return $"line {number} begins a second section; give a file with one key";
                continue;
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) return $"line {number} is not of the form name = value";
            if (!fields.Take(line[..equals], Unquoted(line[(equals + 1)..])))
                return $"line {number} has a name that is not known, comes twice, or has a value that does not fit";
        }

        return "";
    }

    /// <summary>A line with both names and no value.</summary>
    private static bool IsHeader(string line)
    {
        var names = line.Split(',').Select(c => Fields.Plain(Unquoted(c))).ToList();
        return names.Contains("ACCESSKEYID") && names.Contains("ACCESSKEYSECRET");
    }

    private static string Csv(List<string> lines, Fields fields)
    {
        var (names, values) = (lines[0].Split(','), lines.Count > 1 ? lines[1].Split(',') : []);
        if (lines.Count != 2 || names.Length != values.Length) return "a CSV must have one line of names and one line of as many values";
        for (var i = 0; i < names.Length; i++)
        {
            // The console may add columns of its own, such as the user's name.
            var taken = fields.Take(Unquoted(names[i]), Unquoted(values[i]));
            if (!taken && Fields.Plain(Unquoted(names[i])) is ("ACCESSKEYID" or "ACCESSKEYSECRET")) return "a column comes twice";
        }

        return "";
    }

    private static string Unquoted(string text)
    {
        text = text.Trim();
        return text.Length >= 2 && text[0] == text[^1] && (text[0] is '"' or '\'') ? text[1..^1].Trim() : text;
    }

    private sealed class Fields
    {
        public string? Id { get; private set; }
        public string? Secret { get; private set; }
        public string? Token { get; private set; }
        public DateTimeOffset? Expiration { get; private set; }

        /// <summary>A name without case, spaces, dashes, underscores and the SDKs' prefix.</summary>
        public static string Plain(string name)
        {
            var plain = new string([.. name.Where(char.IsAsciiLetterOrDigit)]).ToUpperInvariant();
            return plain.StartsWith("ALIBABACLOUD", StringComparison.Ordinal) ? plain["ALIBABACLOUD".Length..] : plain;
        }

        /// <returns>False for an unknown name, a second value, or a value that does not fit.</returns>
        public bool Take(string name, string value)
        {
            switch (Plain(name))
            {
                case "ACCESSKEYID" when Id is null:
                    Id = value;
                    return true;
                case "ACCESSKEYSECRET" when Secret is null:
                    Secret = value;
                    return true;
                case "SECURITYTOKEN" or "STSTOKEN" when Token is null:
                    Token = value;
                    return true;
                case "EXPIRATION" when Expiration is null:
                    var ok = DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end);
                    Expiration = ok ? end : null;
                    return ok;
                case "TYPE":
                    return value is "access_key" or "sts";
                case "CODE":
                    return value is "Success";
                case "LASTUPDATED":
                    return true;
                default:
                    return false;
            }
        }
    }
}
