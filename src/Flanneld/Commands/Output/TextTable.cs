using System.Text;
using Flannel.Core;

namespace Flanneld.Commands.Output;

/// <summary>Lines of aligned columns, as kubectl prints them.</summary>
/// <param name="headings">In capitals.</param>
internal sealed class TextTable(params IReadOnlyList<string> headings)
{
    private const string Separator = "   ";
    private const string Empty = "-";

    private readonly List<IReadOnlyList<string>> rows = [headings];

    /// <summary>The heading of the column whose cells have the colors of states; empty for none.</summary>
    public string StateColumn { get; init; } = "";

    public bool IsEmpty => rows.Count == 1;

    /// <summary>Adds a row. An empty cell is printed as <c>-</c>, so that programs can split the lines at blanks.</summary>
    public void Add(params IReadOnlyList<string> cells)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(cells.Count, headings.Count);
        rows.Add([.. cells.Select(cell => cell.Length > 0 ? PrintableText.Of(cell) : Empty)]);
    }

    /// <summary>With a final line feed. Escape sequences of colors are not counted for the alignment.</summary>
    public override string ToString()
    {
        var widths = Enumerable.Range(0, headings.Count).Select(column => rows.Max(row => row[column].Length)).ToList();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            for (var column = 0; column < row.Count; column++)
            {
                var cell = row[column];
                text.Append(headings[column] == StateColumn ? TextColor.Of(cell) : cell);
                if (column < row.Count - 1) text.Append(' ', widths[column] - cell.Length).Append(Separator);
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
