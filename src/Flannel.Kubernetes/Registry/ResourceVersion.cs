using System.Globalization;

namespace Flannel.Kubernetes.Registry;

/// <summary>Compares resource versions of one kind of object, which grow with time (Kubernetes' API concepts, "Resource
/// versions").</summary>
internal static class ResourceVersion
{
    /// <summary>Of a list from the API server's cache, whatever its version is.</summary>
    public const string Any = "0";

    /// <summary>Zero for one that is not a number, and so older than all others.</summary>
    public static long Parse(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    public static bool IsOlder(string? version, string? than) => Parse(version) < Parse(than);

    /// <summary>The newer one.</summary>
    public static string? Max(string? one, string? other) => IsOlder(one, other) ? other : one;
}
