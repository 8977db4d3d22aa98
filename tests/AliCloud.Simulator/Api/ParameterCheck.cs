using System.Globalization;

namespace AliCloud.Simulator.Api;

/// <summary>Compares the parameters with the rules of the action. An unknown name is an error: it is a typo of the client.</summary>
internal static class ParameterCheck
{
    private static readonly HashSet<string> Ignorable =
        new(["OwnerId", "OwnerAccount", "ResourceOwnerId", "ResourceOwnerAccount"], StringComparer.Ordinal);

    public static ApiError? Check(IReadOnlyDictionary<string, string> given, IReadOnlyList<ParameterRule> rules) =>
        Known(given, rules) ?? Complete(given, rules);

    private static ApiError? Known(IReadOnlyDictionary<string, string> given, IReadOnlyList<ParameterRule> rules)
    {
        foreach (var (name, value) in given)
        {
            if (Ignorable.Contains(name)) continue;
            var parts = name.Split('.');
            var rule = rules.FirstOrDefault(r => r.Name == parts[0]);
            if (rule is null || parts.Length != (rule.ListOfAtMost is null ? 1 : rule.Members is null ? 2 : 3)) return Unknown(name);
            if (parts.Length > 1)
            {
                if (!IsPosition(parts[1], out var position)) return Unknown(name);
                if (position > rule.ListOfAtMost) return ApiErrors.Invalid(name, $"a list of at most {rule.ListOfAtMost}");
            }

            var member = parts.Length == 3 ? rule.Members!.FirstOrDefault(m => m.Name == parts[2]) : rule;
            if (member is null) return Unknown(name);
            if (value.Length > 0 && member.Error(value) is { } error) return error;
        }

        return null;
    }

    private static ApiError? Complete(IReadOnlyDictionary<string, string> given, IReadOnlyList<ParameterRule> rules)
    {
        bool Has(string name) => given.TryGetValue(name, out var value) && value.Length > 0;

        foreach (var rule in rules)
        {
            if (rule.ListOfAtMost is null)
            {
                if (rule.Required && !Has(rule.Name)) return ApiErrors.Missing(rule.Name);
                continue;
            }

            var positions = given.Keys.Where(k => k.StartsWith(rule.Name + ".", StringComparison.Ordinal))
                .Select(k => int.Parse(k.Split('.')[1], CultureInfo.InvariantCulture)).Distinct().Order().ToList();
            if (rule.Required && positions.Count == 0) return ApiErrors.Missing(rule.Name);
            for (var n = 1; n <= positions.Count; n++)
            {
                if (positions[n - 1] != n) return ApiErrors.Invalid(rule.Name, $"position {n} is missing");
                if (rule.Members is null && !Has($"{rule.Name}.{n}")) return ApiErrors.Missing($"{rule.Name}.{n}");
                var missing = rule.Members?.FirstOrDefault(m => m.Required && !Has($"{rule.Name}.{n}.{m.Name}"));
                if (missing is not null) return ApiErrors.Missing($"{rule.Name}.{n}.{missing.Name}");
            }
        }

        return null;
    }

    private static ApiError Unknown(string name) => ApiErrors.Invalid(name, "the action has no such parameter");

    private static bool IsPosition(string text, out int position) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out position) && position >= 1 && text[0] != '0';
}
