using System.Globalization;

namespace Flannel.Core;

/// <summary>A number with its noun, for messages. Pure.</summary>
public static class Plural
{
    /// <summary><c>1 route</c>, <c>2 routes</c>.</summary>
    public static string Of(long count, string noun) => Of(count, noun, noun + "s");

    /// <summary><c>1 entry</c>, <c>2 entries</c>.</summary>
    /// <param name="one">What follows the number 1.</param>
    /// <param name="many">What follows every other number.</param>
    public static string Of(long count, string one, string many) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");
}
