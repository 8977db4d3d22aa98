using System.Text;
using System.Text.Json;
using Flannel.AliCloud.Http;
using Flannel.Core;
using Flannel.Core.Routes;
using Flanneld.Commands.Output;
using Flanneld.Options;

namespace Flanneld.Commands.Check;

/// <summary>The results of all checks, as a table for people or as JSON for programs.</summary>
internal sealed class CheckReport
{
    private const string WidestState = "problem  ";

    private readonly List<CheckSection> sections = [];

    public int Problems => CountOf(CheckState.Problem);

    /// <summary>Results that are no proof that the node works.</summary>
    public int WarningsAndUnknown => Unknown + Warnings;

    private int Unknown => CountOf(CheckState.Unknown);

    private int Warnings => CountOf(CheckState.Warning);

    private IEnumerable<CheckResult> Results => sections.SelectMany(section => section.Results);

    private List<MissingRamAction> MissingPermissions => [.. sections.SelectMany(section => section.MissingPermissions)];

    /// <summary>A section after those that exist: the report has the order in which they are created, not the one in which they are
    /// filled.</summary>
    public CheckSection AddSection()
    {
        var section = new CheckSection();
        sections.Add(section);
        return section;
    }

    /// <param name="isColored">Whether the states have colors.</param>
    public string ToTable(bool isColored = false) => ToDocument().Format(OutputFormat.Table, isColored);

    private string ComposeTable()
    {
        var results = Results.ToList();
        var width = results.Max(result => result.Subject.Length);
        var indent = new string(' ', WidestState.Length + width + 2);
        var text = new StringBuilder();
        foreach (var result in results)
        {
            var state = NameOf(result.State);
            text.Append(TextColor.Of(state)).Append(' ', WidestState.Length - state.Length)
                .Append(result.Subject.PadRight(width)).Append("  ").Append(PrintableText.Of(result.Detail)).Append('\n');
            foreach (var line in result.Lines) text.Append(indent).Append("  ").Append(PrintableText.Of(line)).Append('\n');
            if (result.Advice.Length > 0) text.Append(indent).Append("-> ").Append(PrintableText.Of(result.Advice)).Append('\n');
        }

        if (MissingPermissions.Count > 0)
        {
            text.Append("\nA RAM policy that grants the missing permissions")
                .Append("\n(RAM console: Policies, Create Policy, JSON; then attach it to the role or user above):\n\n")
                .Append(Policy()).Append('\n');
        }

        text.Append('\n').Append(results.Count).Append(" checks: ").Append(Plural.Of(Problems, "problem"))
            .Append(", ").Append(Plural.Of(Warnings, "warning")).Append(Unknown > 0 ? $", {Unknown} unknown" : "").Append('\n');
        return text.ToString();
    }

    /// <summary>One object: apiVersion, kind, version, problems, warnings, unknown, checks, candidates, policy. A field is never removed
    /// and never changes its meaning; fields may be added.</summary>
    public string ToJson() => ToDocument().Format(OutputFormat.Json);

    public CommandDocument ToDocument() => new("CheckReport", WriteFields, _ => ComposeTable());

    private void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("version", ProgramVersion.Text);
        json.WriteNumber("problems", Problems);
        json.WriteNumber("warnings", Warnings);
        json.WriteNumber("unknown", Unknown);
        json.WriteStartArray("checks");
        foreach (var result in Results) WriteResult(json, result);
        json.WriteEndArray();
        NonCandidateText.WriteTo(
            json, sections.Select(section => section.NonCandidates).FirstOrDefault(list => list.Count > 0) ?? NonCandidateList.Empty);
        json.WritePropertyName("policy");
        if (MissingPermissions.Count == 0) json.WriteNullValue();
        else WritePolicy(json);
    }

    private int CountOf(CheckState state) => Results.Count(result => result.State == state);

    private static void WriteResult(Utf8JsonWriter json, CheckResult result)
    {
        json.WriteStartObject();
        json.WriteString("id", result.Kind.Id);
        json.WriteString("subject", result.Subject);
        json.WriteString("state", NameOf(result.State));
        json.WriteString("detail", result.Detail);
        json.WriteString("advice", result.Advice);
        json.WriteStartArray("lines");
        foreach (var line in result.Lines) json.WriteStringValue(line);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private string Policy() => JsonText.Compose(WritePolicy);

    private void WritePolicy(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("Version", "1");
        json.WriteStartArray("Statement");
        foreach (var resource in MissingPermissions.GroupBy(permission => permission.Resource, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("Effect", "Allow");
            json.WriteStartArray("Action");
            foreach (var permission in resource) json.WriteStringValue(permission.Action);
            json.WriteEndArray();
            json.WriteString("Resource", resource.Key);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string NameOf(CheckState state) => state switch
    {
        CheckState.Ok => "ok",
        CheckState.Note => "note",
        CheckState.Unknown => "unknown",
        CheckState.Warning => "warning",
        _ => "problem",
    };
}
