using System.Text;
using Flannel.Core;

namespace Flanneld.Commands.Output;

/// <summary>Lines of a name and a value. The values are aligned, and control characters in them are replaced.</summary>
/// <param name="width">Of the names, with the blanks after them.</param>
internal sealed class FieldList(int width)
{
    private readonly StringBuilder text = new();

    public void Add(string name, string value) => Append(name, PrintableText.Of(value));

    /// <summary>A line whose value begins with a state, which gets its color.</summary>
    public void AddState(string name, string value) => Append(name, TextColor.OfFirstWord(PrintableText.Of(value)));

    /// <summary>The lines of a table, below the value before it.</summary>
    public void AddTable(TextTable table)
    {
        foreach (var line in table.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)) Append("", line);
    }

    /// <summary>With a final line feed.</summary>
    public override string ToString() => text.ToString();

    private void Append(string name, string value) => text.Append(name.PadRight(width)).Append(value).Append('\n');
}
