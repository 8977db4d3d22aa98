using System.Globalization;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>One line about a failed <c>ip</c> or <c>bridge</c>: what is missing on the host, where that is known. Pure.</summary>
internal static class IprouteErrors
{
    public const string MissingCapability =
        "needs CAP_NET_ADMIN: install the drop-in vxlan.conf (/usr/share/doc/flanneld/examples), or run flanneld with that capability";

    public const string MissingModule = "the kernel has no vxlan module: modprobe vxlan, or install the package that has it";

    /// <summary>The program cannot be started.</summary>
    /// <param name="advice">How to get it.</param>
    public static string DescribeStart(string program, string message, string advice) =>
        $"backend vxlan needs the {program} command: {message}; {advice}";

    /// <param name="error">The standard error.</param>
    public static string Describe(string program, int exitCode, string error)
    {
        if (error.Contains("Operation not permitted", StringComparison.Ordinal)) return $"backend vxlan {MissingCapability}";
        // The first is that of Linux 4.18 and later.
        if (error.Contains("Unknown device type", StringComparison.Ordinal)
            || error.Contains("Operation not supported", StringComparison.Ordinal))
            return $"backend vxlan: {MissingModule}";
        var lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => !line.StartsWith("Command failed", StringComparison.Ordinal)).ToList();
        var code = string.Create(CultureInfo.InvariantCulture, $"exit code {exitCode}");
        if (lines.Count == 0) return $"{program} failed with {code}";
        var more = lines.Count > 1 ? string.Create(CultureInfo.InvariantCulture, $" ({lines.Count} lines)") : "";
        return $"{program} failed with {code}: {lines[0]}{more}";
    }

    /// <summary>Whether the error says that the named device does not exist.</summary>
    public static bool IsMissingDevice(string error) =>
        error.Contains("does not exist", StringComparison.Ordinal) || error.Contains("Cannot find device", StringComparison.Ordinal);
}
