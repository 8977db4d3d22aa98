using System.Text.RegularExpressions;

namespace Flannel.AliVpc.Metadata;

/// <summary>What names of the cloud look like. Anything else does not get into a host name, a parameter or a lease.</summary>
internal static partial class Shapes
{
    public static bool IsRegion(string text) => RegionShape().IsMatch(text);

    public static bool IsZone(string text) => RegionShape().IsMatch(text);

    /// <summary>Mostly <c>i-…</c>; instances of the classic network's time have other ids.</summary>
    public static bool IsInstance(string text) => IdShape().IsMatch(text);

    public static bool IsVpc(string text) => IsId(text, "vpc-");

    public static bool IsVSwitch(string text) => IsId(text, "vsw-");

    public static bool IsInterface(string text) => IsId(text, "eni-");

    public static bool IsRouteTable(string text) => IsId(text, "vtb-");

    public static bool IsRole(string text) => RoleShape().IsMatch(text);

    /// <summary>Lower case, with colons.</summary>
    public static bool IsMac(string text) => MacShape().IsMatch(text);

    private static bool IsId(string text, string prefix) =>
        text.StartsWith(prefix, StringComparison.Ordinal) && text.Length > prefix.Length && IdShape().IsMatch(text);

    [GeneratedRegex(@"\A[a-z]{2,12}(-[a-z0-9]{1,20}){1,5}\z")]
    private static partial Regex RegionShape();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9-]{0,63}\z")]
    private static partial Regex IdShape();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex RoleShape();

    [GeneratedRegex(@"\A[0-9a-f]{2}(:[0-9a-f]{2}){5}\z")]
    private static partial Regex MacShape();
}
