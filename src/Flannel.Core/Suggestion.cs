namespace Flannel.Core;

/// <summary>Finds the known name that a misspelt one probably means.</summary>
public static class Suggestion
{
    private const int AlwaysAllowed = 2;
    private const int LettersPerEdit = 4;

    /// <summary>The nearest of the known names; null if none is near, or if <paramref name="name"/> is one of them.
    /// Case-sensitive.</summary>
    public static string? For(string name, IEnumerable<string> known)
    {
        string? nearest = null;
        // Fewer edits than letters: otherwise a short name is near to every other short name.
        var allowed = Math.Min(Math.Max(AlwaysAllowed, name.Length / LettersPerEdit), name.Length - 1);
        foreach (var other in known)
        {
            var distance = Distance(other, name);
            if (distance == 0) return null;
            if (distance > allowed) continue;
            nearest = other;
            allowed = distance - 1;
        }

        return nearest;
    }

    /// <summary>The same, case-insensitive.</summary>
    public static string? ForAnyCase(string name, IReadOnlyList<string> known)
    {
        var nearest = For(name.ToUpperInvariant(), known.Select(other => other.ToUpperInvariant()));
        return known.FirstOrDefault(other => other.Equals(nearest, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The optimal string alignment distance: insertions, deletions, substitutions and transpositions of adjacent
    /// letters.</summary>
    private static int Distance(string a, string b)
    {
        int[] beforeLast = [], last = [.. Enumerable.Range(0, b.Length + 1)];
        for (var i = 1; i <= a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
            }

            (beforeLast, last) = (last, row);
        }

        return last[b.Length];
    }
}
