using System.Globalization;

namespace Flannel.HostNetwork.Firewall;

/// <summary>What this host has for firewall rules. Programs are found in the folders of PATH, and where administrators' programs
/// are.</summary>
/// <param name="folders">Where programs are, in order.</param>
public sealed class FirewallPrograms(IReadOnlyList<string> folders)
{
    /// <summary>CAP_NET_ADMIN of linux/capability.h.</summary>
    private const int NetAdmin = 12;

    private static readonly string[] s_standardFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];

    public static FirewallPrograms OfThisHost()
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return new FirewallPrograms([.. path.Split(':', StringSplitOptions.RemoveEmptyEntries), .. s_standardFolders]);
    }

    /// <summary>Whether nothing must be tried without being asked for: a change would be refused. False if it is not known.</summary>
    public Func<bool> LacksPermission { get; init; } = HasNoNetAdmin;

    /// <summary>The path of a program; null if it is not installed.</summary>
    public string? Find(string program) => folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>The commands of iptables that read and write all rules; null unless both are installed.</summary>
    internal IptablesPrograms? FindIptables() =>
        Find("iptables-save") is { } save && Find("iptables-restore") is { } restore ? new IptablesPrograms(save, restore) : null;

    private static bool HasNoNetAdmin()
    {
        const string effective = "CapEff:";
        try
        {
            var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(effective, StringComparison.Ordinal));
            return line is not null
                && ulong.TryParse(line.AsSpan(effective.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var set)
                && (set >> NetAdmin & 1) == 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

internal sealed record IptablesPrograms(string Save, string Restore);
