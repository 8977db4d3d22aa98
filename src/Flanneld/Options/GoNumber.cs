using System.Globalization;

namespace Flanneld.Options;

/// <summary>Integers as Go's package flag reads them (<c>strconv.ParseInt</c> with base 0): a sign, then decimal, <c>0x</c>, <c>0o</c> or
/// <c>0b</c>; a leading 0 means octal. Underscores between digits, which Go allows, are rejected.</summary>
internal static class GoNumber
{
    /// <returns>Null when the text is not an integer. A value that is too large becomes the largest one; the caller checks the
    /// range.</returns>
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
            if (!int.TryParse([digit], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var digitValue)
                || digitValue >= numberBase) return null;
            value = Int128.Min(value * numberBase + digitValue, long.MaxValue);
        }

        return (long)value;
    }
}
