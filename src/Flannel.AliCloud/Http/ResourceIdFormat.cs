namespace Flannel.AliCloud.Http;

/// <summary>The formats of the cloud's ids and names. Other text must not become part of a host name, a parameter or a lease.</summary>
public static class ResourceIdFormat
{
    private const int MaxIdLength = 64;

    /// <summary>Such as <c>cn-hangzhou</c> or <c>ap-southeast-1</c>: 2 to 12 letters, then one to five parts of up to 20 letters and
    /// digits.</summary>
    public static bool IsRegionId(string text)
    {
        var parts = text.Split('-');
        if (parts.Length is < 2 or > 6 || parts[0].Length is < 2 or > 12 || !parts[0].All(char.IsAsciiLetterLower)) return false;
        return parts.Skip(1).All(part => part.Length is >= 1 and <= 20 && part.All(IsLowerOrDigit));
    }

    /// <summary>Such as <c>cn-hangzhou-h</c>.</summary>
    public static bool IsZoneId(string text) => IsRegionId(text);

    /// <summary>Usually <c>i-…</c>; old instances have other ids.</summary>
    public static bool IsInstanceId(string text) => IsName(text, "-");

    public static bool IsVpcId(string text) => IsId(text, "vpc-");

    public static bool IsVSwitchId(string text) => IsId(text, "vsw-");

    public static bool IsNetworkInterfaceId(string text) => IsId(text, "eni-");

    public static bool IsRouteTableId(string text) => IsId(text, "vtb-");

    public static bool IsRoleName(string text) => IsName(text, "._-");

    /// <summary>Such as <c>acs:ram::1234567890123456:role/name</c>.</summary>
    public static bool IsRoleArn(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 5 && parts[0] == "acs" && parts[1] == "ram" && parts[2].Length == 0
            && parts[3].Length is >= 1 and <= 32 && parts[3].All(char.IsAsciiDigit)
            && parts[4].StartsWith("role/", StringComparison.Ordinal) && IsRoleName(parts[4]["role/".Length..]);
    }

    /// <summary>The session name of an assumed role, which ActionTrail records.</summary>
    public static bool IsRoleSessionName(string text) =>
        text.Length is >= 2 and <= 64 && text.All(letter => char.IsAsciiLetterOrDigit(letter) || ".@-_".Contains(letter));

    /// <summary>Lower case, separated by colons.</summary>
    public static bool IsMacAddress(string text)
    {
        var bytes = text.Split(':');
        return bytes.Length == 6 && bytes.All(digits => digits.Length == 2 && digits.All(char.IsAsciiHexDigitLower));
    }

    private static bool IsId(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal) && text.Length > prefix.Length && IsInstanceId(text);

    /// <summary>Letters, digits and <paramref name="punctuation"/>; the first character is a letter or a digit.</summary>
    private static bool IsName(string text, string punctuation) =>
        text.Length is >= 1 and <= MaxIdLength && char.IsAsciiLetterOrDigit(text[0])
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || punctuation.Contains(letter));

    private static bool IsLowerOrDigit(char letter) => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter);
}
