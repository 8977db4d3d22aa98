namespace Flannel.Benchmarks;

/// <summary>A table of texts. Its first row has the titles.</summary>
internal static class Table
{
    /// <summary>Aligns the columns; the last one is as long as its cells.</summary>
    /// <param name="left">The columns that are aligned to the left; the others are aligned to the right.</param>
    public static void Print(IReadOnlyList<string[]> rows, TextWriter output, params IReadOnlyList<int> left)
    {
        var widths = Enumerable.Range(0, rows[0].Length - 1).Select(column => rows.Max(row => row[column].Length)).ToArray();
        output.WriteLine();
        foreach (var row in rows)
        {
            var cells = widths.Select((width, column) =>
                left.Contains(column) ? row[column].PadRight(width) : row[column].PadLeft(width));
            output.WriteLine(string.Join("  ", [.. cells, row[^1]]).TrimEnd());
        }
    }
}
