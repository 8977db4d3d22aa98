using System.Globalization;

namespace AliCloud.Simulator.Api;

/// <summary>The parameters of a call that passed <see cref="ParameterCheck"/>, so reading them cannot fail.</summary>
internal sealed class Parameters(IReadOnlyDictionary<string, string> values)
{
    public IReadOnlyDictionary<string, string> All => values;

    /// <summary>The caller; null for an unsigned call.</summary>
    public Principal? Caller { get; init; }

    /// <summary>Null if absent or empty.</summary>
    public string? this[string name] => values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    public string Required(string name) => this[name] ?? throw new InvalidOperationException($"{name} passed without a value");

    public int Integer(string name, int otherwise) => this[name] is { } value ? int.Parse(value, CultureInfo.InvariantCulture) : otherwise;

    public bool? Boolean(string name) => this[name] is { } value ? value == "true" : null;

    public bool DryRun => Boolean("DryRun") == true;

    public IReadOnlyList<string> Texts(string list) => [.. Numbers(list).Select(n => Required($"{list}.{n}"))];

    public IReadOnlyList<Parameters> Structures(string list) => [.. Numbers(list).Select(n => Under($"{list}.{n}."))];

    private IEnumerable<int> Numbers(string list)
    {
        for (var n = 1; values.Keys.Any(
            k => k == $"{list}.{n}" || k.StartsWith($"{list}.{n}.", StringComparison.Ordinal)); n++) yield return n;
    }

    private Parameters Under(string prefix) => new(values
        .Where(v => v.Key.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(v => v.Key[prefix.Length..], v => v.Value, StringComparer.Ordinal));
}
