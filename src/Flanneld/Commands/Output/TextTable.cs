using System.Text;

namespace Flanneld.Commands.Output;

/// <summary>Lines of aligned columns, as kubectl prints them.</summary>
/// <param name="headings">In capitals.</param>
internal sealed class TextTable(params IReadOnlyList<string> headings)
{
    private const string Separator = "   ";
    private const string Empty = "-";

    private readonly List<IReadOnlyList<string>> rows = [headings];

    /// <summary>Adds a row. An empty cell is printed as <c>-</c>, so that programs can split the lines at blanks.</summary>
    public void Add(params IReadOnlyList<string> cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Count, headings.Count);
        rows.Add([.. cells.Select(cell => cell.Length > 0 ? cell : Empty)]);
    }

    /// <summary>With a final line feed.</summary>
    public override string ToString()
    {
        var widths = Enumerable.Range(0, headings.Count).Select(column => rows.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            var line = string.Join(Separator, row.Select((cell, column) => cell.PadRight(widths[column])));
            text.Append(line.TrimEnd()).Append('\n');
        }

        return text.ToString();
    }
}
