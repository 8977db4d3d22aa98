using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Flannel.AliCloud.Credentials;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>What the preflight found, for people and for programs.</summary>
internal sealed class CheckReport
{
    private readonly List<CheckResult> findings = [];

    public IReadOnlyList<CheckResult> Findings => findings;

    /// <summary>What is missing, for a policy to paste.</summary>
    public List<DeniedRight> MissingRights { get; } = [];

    public int Problems => Count(CheckState.Problem);

    public int Warnings => Count(CheckState.Warning);

    public void Add(CheckResult finding) => findings.Add(finding);

    public string ToTable()
    {
        var width = findings.Max(finding => finding.Subject.Length);
        var indent = new string(' ', "problem  ".Length + width + 2);
        var text = new StringBuilder();
        foreach (var finding in findings)
        {
            text.Append(Word(finding.State).PadRight("problem  ".Length)).Append(finding.Subject.PadRight(width)).Append("  ").Append(finding.Detail).Append('\n');
            foreach (var line in finding.Lines) text.Append(indent).Append("  ").Append(line).Append('\n');
            if (finding.Advice.Length > 0) text.Append(indent).Append("-> ").Append(finding.Advice).Append('\n');
        }

        if (MissingRights.Count > 0)
            text.Append("\nA RAM policy with what is missing (RAM console, Policies, Create Policy, JSON; attach it to the role or user above):\n\n").Append(Policy()).Append('\n');
        text.Append('\n').Append(findings.Count).Append(" checks: ").Append(Amount(Problems, "problem")).Append(", ").Append(Amount(Warnings, "warning")).Append('\n');
        return text.ToString();
    }

    /// <summary>One object: version, problems, warnings, checks, policy. A field is never taken away or given another meaning; there may be more.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("version", ProgramVersion.Text);
            json.WriteNumber("problems", Problems);
            json.WriteNumber("warnings", Warnings);
            json.WriteStartArray("checks");
            foreach (var finding in findings)
            {
                json.WriteStartObject();
                json.WriteString("subject", finding.Subject);
                json.WriteString("state", Word(finding.State));
                json.WriteString("detail", finding.Detail);
                json.WriteString("advice", finding.Advice);
                json.WriteStartArray("lines");
                foreach (var line in finding.Lines) json.WriteStringValue(line);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WritePropertyName("policy");
            if (MissingRights.Count == 0) json.WriteNullValue();
            else WritePolicy(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length) + "\n";
    }

    private string Policy()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true })) WritePolicy(json);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private void WritePolicy(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("Version", "1");
        json.WriteStartArray("Statement");
        foreach (var resource in MissingRights.GroupBy(right => right.Resource, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("Effect", "Allow");
            json.WriteStartArray("Action");
            foreach (var right in resource) json.WriteStringValue(right.Action);
            json.WriteEndArray();
            json.WriteString("Resource", resource.Key);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Word(CheckState state) => state switch
    {
        CheckState.Ok => "ok",
        CheckState.Note => "note",
        CheckState.Warning => "warning",
        _ => "problem",
    };

    private static string Amount(int count, string word) => $"{count} {word}{(count == 1 ? "" : "s")}";

    private int Count(CheckState state)
    {
        var count = 0;
        foreach (var finding in findings)
        {
            if (finding.State == state) count++;
        }

        return count;
    }
}
