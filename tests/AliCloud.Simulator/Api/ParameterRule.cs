using System.Globalization;

namespace AliCloud.Simulator.Api;

/// <summary>A parameter of an action. <see cref="Error"/> returns what is wrong with a value; null if it is valid.</summary>
internal sealed record ParameterRule(string Name, bool Required, Func<string, ApiError?> Error)
{
    /// <summary>The maximum length of a list <c>Name.1</c>, <c>Name.2</c>…; null for a single value.</summary>
    public int? ListOfAtMost { get; init; }

    /// <summary>For a list of structures, <c>Name.1.Member</c>: the members. Null for a list of simple values.</summary>
    public IReadOnlyList<ParameterRule>? Members { get; init; }

    /// <summary>The other parameter of which at least one is required.</summary>
    public ParameterRule Mandatory() => this with { Required = true };

    public static ParameterRule Text(string name) => new(name, false, _ => null);

    /// <summary>1 to <paramref name="max"/> characters that do not begin like a URL: the rule for names and descriptions.</summary>
    public static ParameterRule Label(string name, int max) => new(name, false, v =>
        v.Length <= max && !v.StartsWith("http://", StringComparison.Ordinal) && !v.StartsWith("https://", StringComparison.Ordinal)
            ? null
            : ApiErrors.Invalid(name, $"1 to {max} characters, not beginning with http:// or https://"));

    public static ParameterRule Integer(string name, int min, int max) => new(name, false, v =>
        int.TryParse(v, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? null
            : ApiErrors.Invalid(name, $"a number from {min} to {max}"));

    public static ParameterRule Boolean(string name) => OneOf(name, null, "true", "false");

    public static ParameterRule OneOf(string name, string? code, params string[] values) => new(name, false, v =>
        values.Contains(v, StringComparer.Ordinal) ? null
        : code is null ? ApiErrors.Invalid(name, "one of " + string.Join(", ", values))
        : new ApiError(code, $"The specified {name} is not valid."));

    public static ParameterRule ClientToken() => new("ClientToken", false, v =>
        v.Length <= 64 && v.All(char.IsAscii) ? null : ApiErrors.Invalid("ClientToken", "at most 64 ASCII characters"));

    public static ParameterRule List(string name, int max) => new(name, false, _ => null) { ListOfAtMost = max };

    public static ParameterRule List(string name, int max, params ParameterRule[] members) => List(name, max) with { Members = members };
}
