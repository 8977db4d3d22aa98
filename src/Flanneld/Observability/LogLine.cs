using Microsoft.Extensions.Logging;

namespace Flanneld.Observability;

/// <summary>One message of the log: its text, and the values that the text is composed of. Immutable.</summary>
/// <param name="Category">The logger, such as <c>etcd</c>.</param>
/// <param name="Text">The message with its values.</param>
/// <param name="Fields">The values by the names in the message's template.</param>
internal sealed record LogLine(
    string Category, LogLevel Level, EventId Event, string Text, IReadOnlyList<KeyValuePair<string, object?>> Fields, Exception? Exception)
{
    /// <summary>How often the message was repeated before this line, which summarizes the repeats; 0 for a message itself.</summary>
    public int Repeats { get; init; }

    /// <summary>The event as documents name it, such as <c>etcd[2000]</c>.</summary>
    public string Name => $"{Category}[{Event.Id}]";
}
