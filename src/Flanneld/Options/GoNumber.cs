using System.Globalization;

namespace Flanneld.Options;

/// <summary>Integers as Go's package flag reads them (<c>strconv.ParseInt</c> with base 0): a sign, then decimal, <c>0x</c>, <c>0o</c> or
/// <c>0b</c>; a leading 0 means octal. Underscores between digits, which Go allows too, are refused.</summary>
internal static class GoNumber
{
    /// <returns>Null when the text is no integer. One that is too large is the largest, so that the range decides.</returns>
    public static long? Parse(string text)
    {
        var digits = text.AsSpan();
        var negative = digits.StartsWith("-");
        if (negative || digits.StartsWith("+")) digits = digits[1..];
        if (Magnitude(digits) is not { } magnitude) return null;
        return negative ? -magnitude : magnitude;
    }

    private static long? Magnitude(ReadOnlySpan<char> digits)
    {
        var numberBase = 10;
        if (digits.Length > 1 && digits[0] == '0')
        {
            numberBase = char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'b' => 2, _ => 8 };
            digits = digits[(char.ToLowerInvariant(digits[1]) is 'x' or 'b' or 'o' ? 2 : 1)..];
        }

        if (digits.IsEmpty) return null;
        Int128 value = 0;
        foreach (var digit in digits)
        {
            var worth = char.IsAsciiHexDigit(digit) ? int.Parse(
                [digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) : numberBase;
            if (worth >= numberBase) return null;
            value = Int128.Min(value * numberBase + worth, long.MaxValue);
        }

        return (long)value;
    }
}
