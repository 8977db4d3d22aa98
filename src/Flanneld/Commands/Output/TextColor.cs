using Flanneld.Options;

namespace Flanneld.Commands.Output;

/// <summary>The colors of states in tables: green for what works, yellow for what may need attention, red for a problem. Texts always
/// contain the escape sequences; <see cref="Remove"/> takes them out where the output is no terminal.</summary>
internal static class TextColor
{
    private const string Reset = "\e[0m";
    private const string Green = "\e[32m";
    private const string Yellow = "\e[33m";
    private const string Red = "\e[31m";

    /// <summary>Whether stdout gets colors: <c>--color</c>, else <c>NO_COLOR</c> (https://no-color.org), <c>TERM</c>, and whether it is a
    /// terminal.</summary>
    public static bool IsEnabled(ColorMode mode) => IsEnabled(
        mode, !Console.IsOutputRedirected, Environment.GetEnvironmentVariable("NO_COLOR"), Environment.GetEnvironmentVariable("TERM"));

    public static bool IsEnabled(ColorMode mode, bool isTerminal, string? noColor, string? term) => mode switch
    {
        ColorMode.Always => true,
        ColorMode.Never => false,
        _ => isTerminal && string.IsNullOrEmpty(noColor) && IsCapable(term),
    };

    /// <summary>Whether a terminal of this type knows escape sequences.</summary>
    public static bool IsCapable(string? term) => !string.IsNullOrEmpty(term) && term != "dumb";

    /// <summary>A state in its color. A text that is no state stays as it is.</summary>
    public static string Of(string state) => ColorOf(state) is { Length: > 0 } color ? color + state + Reset : state;

    /// <summary>The same for the first word of a text, such as <c>Available in vtb-a</c>.</summary>
    public static string OfFirstWord(string text)
    {
        var end = text.AsSpan().IndexOfAny(" :;,");
        return end < 0 ? Of(text) : Of(text[..end]) + text[end..];
    }

    /// <summary>The text without colors.</summary>
    public static string Remove(string text) => new[] { Reset, Green, Yellow, Red }.Aggregate(
        text, (plain, sequence) => plain.Replace(sequence, "", StringComparison.Ordinal));

    private static string ColorOf(string state) => state switch
    {
        "Available" or "ok" or "ready" or "yes" => Green,
        "Pending" or "Modifying" or "Deleting" or "Unknown" or "Released" or "unknown" or "warning" or "waiting" or "running" => Yellow,
        "Missing" or "WrongNextHop" or "Conflict" or "QuotaExceeded" or "Denied" or "Rejected" or "Unreachable"
            or "problem" or "stopped" or "no" or "none" => Red,
        _ => "",
    };
}
