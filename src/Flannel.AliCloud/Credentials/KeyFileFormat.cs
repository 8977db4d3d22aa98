using System.Globalization;
using System.Text.Json;
using Flannel.AliCloud.Signing;
using Flannel.Core;

namespace Flannel.AliCloud.Credentials;

/// <summary>
/// Parses an access key file. It has one of three forms: JSON (<c>{"AccessKeyId":"…","AccessKeySecret":"…"}</c>, with <c>SecurityToken</c>
/// and <c>Expiration</c> for a temporary key, like the key of a RAM role); the CSV file of the console (<c>AccessKey ID,AccessKey
/// Secret</c> and one line of values); lines of <c>name = value</c> (<c>AccessKeyId</c>, <c>access_key_id</c>,
/// <c>ALIBABA_CLOUD_ACCESS_KEY_ID</c> …), with at most one <c>[section]</c>. No input makes it throw. A failure names a line and never
/// quotes it.
/// </summary>
internal static class KeyFileFormat
{
    public static Result<AccessKey> Parse(ReadOnlySpan<byte> bytes)
    {
        if (FileText.Decode(bytes) is not { } text) return Result.Failure("not a UTF-8 text");
        Fields fields = new();
        var problem = text.TrimStart().StartsWith('{') ? ReadJson(text, fields) : ReadLines(text, fields);
        return problem is null ? AccessKey.Create(fields.Id, fields.Secret, fields.Token, fields.Expiration) : Result.Failure(problem);
    }

    /// <summary>Null on success, like the other Read methods.</summary>
    private static string? ReadJson(string text, Fields fields)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.Null) continue;
                var value = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString() : null;
                if (value is null || !fields.Set(property.Name, value))
                    return "the JSON may contain AccessKeyId, AccessKeySecret, SecurityToken and Expiration, each once and as a string";
            }

            return null;
        }
        // InvalidOperationException: half of a surrogate pair, or a root that is not an object.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return e is JsonException { LineNumber: { } line } ? $"invalid JSON in line {line + 1}" : "invalid JSON";
        }
    }

    private static string? ReadLines(string text, Fields fields)
    {
        var allLines = text.Split('\n').Select((line, i) => new NumberedLine(line.Trim(), i + 1));
        List<NumberedLine> lines = [.. allLines.Where(line => !line.IsComment)];
        if (lines.Count == 0) return "the file is empty";
        if (IsCsvHeader(lines[0].Text)) return ReadCsv([.. lines.Select(line => line.Text)], fields);
        var sections = 0;
        foreach (var (line, number) in lines)
        {
            if (line[0] == '[' && line[^1] == ']')
            {
                if (++sections > 1) return $"line {number} begins a second section; use a file with one key";
                continue;
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0) return $"line {number} is not of the form name = value";
            if (!fields.Set(line[..equals], Unquoted(line[(equals + 1)..])))
                return $"line {number} has an unknown or a repeated name, or an invalid value";
        }

        return null;
    }

    /// <summary>True for a line with the names of both parts of a key.</summary>
    private static bool IsCsvHeader(string line)
    {
        var names = line.Split(',').Select(column => Fields.Normalize(Unquoted(column))).ToList();
        return names.Contains("ACCESSKEYID") && names.Contains("ACCESSKEYSECRET");
    }

    private static string? ReadCsv(List<string> lines, Fields fields)
    {
        var (names, values) = (lines[0].Split(','), lines.Count > 1 ? lines[1].Split(',') : []);
        if (lines.Count != 2 || names.Length != values.Length)
            return "a CSV file must have one line of names and one line of as many values";
        for (var i = 0; i < names.Length; i++)
        {
            // Unknown columns are ignored: the console may add some, such as the user name.
            var isSet = fields.Set(Unquoted(names[i]), Unquoted(values[i]));
            if (!isSet && Fields.Normalize(Unquoted(names[i])) is "ACCESSKEYID" or "ACCESSKEYSECRET") return "a column is repeated";
        }

        return null;
    }

    private static string Unquoted(string text)
    {
        text = text.Trim();
        return text.Length >= 2 && text[0] == text[^1] && (text[0] is '"' or '\'') ? text[1..^1].Trim() : text;
    }

    /// <param name="Text">Trimmed.</param>
    /// <param name="Number">From 1.</param>
    private sealed record NumberedLine(string Text, int Number)
    {
        /// <summary>True for an empty line, too.</summary>
        public bool IsComment => Text.Length == 0 || Text[0] is '#' or ';';
    }

    private sealed class Fields
    {
        public string? Id { get; private set; }
        public string? Secret { get; private set; }
        public string? Token { get; private set; }
        public DateTimeOffset? Expiration { get; private set; }

        /// <summary>Removes spaces, dashes, underscores and the SDKs' prefix, and converts to upper case.</summary>
        public static string Normalize(string name)
        {
            var normalized = new string([.. name.Where(char.IsAsciiLetterOrDigit)]).ToUpperInvariant();
            return normalized.StartsWith("ALIBABACLOUD", StringComparison.Ordinal) ? normalized["ALIBABACLOUD".Length..] : normalized;
        }

        /// <returns>False for an unknown or a repeated name, or an invalid value.</returns>
        public bool Set(string name, string value)
        {
            switch (Normalize(name))
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
                    var isTime = DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end);
                    Expiration = isTime ? end : null;
                    return isTime;
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
