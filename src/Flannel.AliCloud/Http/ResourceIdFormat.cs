namespace Flannel.AliCloud.Http;

/// <summary>What names of the cloud look like. Anything else does not get into a host name, a parameter or a lease.</summary>
public static class ResourceIdFormat
{
    private const int LongestId = 64;

    /// <summary><c>cn-hangzhou</c>, <c>ap-southeast-1</c>: a word of 2 to 12 letters, then one to five words of up to 20 letters and digits.</summary>
    public static bool IsRegion(string text)
    {
        var words = text.Split('-');
        if (words.Length is < 2 or > 6 || words[0].Length is < 2 or > 12 || !words[0].All(char.IsAsciiLetterLower)) return false;
        return words.Skip(1).All(word => word.Length is >= 1 and <= 20 && word.All(IsLowerOrDigit));
    }

    /// <summary><c>cn-hangzhou-h</c>.</summary>
    public static bool IsZone(string text) => IsRegion(text);

    /// <summary>Mostly <c>i-…</c>; instances of the classic network's time have other ids.</summary>
    public static bool IsInstance(string text) => IsName(text, "-");

    public static bool IsVpc(string text) => IsId(text, "vpc-");

    public static bool IsVSwitch(string text) => IsId(text, "vsw-");

    public static bool IsInterface(string text) => IsId(text, "eni-");

    public static bool IsRouteTable(string text) => IsId(text, "vtb-");

    public static bool IsRole(string text) => IsName(text, "._-");

    /// <summary><c>acs:ram::1234567890123456:role/name</c>.</summary>
    public static bool IsRoleArn(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 5 && parts[0] == "acs" && parts[1] == "ram" && parts[2].Length == 0
            && parts[3].Length is >= 1 and <= 32 && parts[3].All(char.IsAsciiDigit)
            && parts[4].StartsWith("role/", StringComparison.Ordinal) && IsRole(parts[4]["role/".Length..]);
    }

    /// <summary>Of an assumed role, as it stands in the account's audit log.</summary>
    public static bool IsSessionName(string text) =>
        text.Length is >= 2 and <= 64 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || ".@-_".Contains(letter));

    /// <summary>Lower case, with colons.</summary>
    public static bool IsMac(string text)
    {
        var bytes = text.Split(':');
        return bytes.Length == 6 && bytes.All(two => two.Length == 2 && two.All(char.IsAsciiHexDigitLower));
    }

    private static bool IsId(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal) && text.Length > prefix.Length && IsInstance(text);

    /// <summary>Letters, digits and <paramref name="marks"/>, none of these first.</summary>
    private static bool IsName(string text, string marks) =>
        text.Length is >= 1 and <= LongestId && char.IsAsciiLetterOrDigit(text[0])
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || marks.Contains(letter));

    private static bool IsLowerOrDigit(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter);
}
