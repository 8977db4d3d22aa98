using System.Globalization;

namespace Flannel.Testbed;

/// <summary>
/// Names of resources that can outlive a killed process: network namespaces, folders, control groups. A name contains the id and the start
/// time of the owning process, so that the next run removes the resources of ended processes and nothing else.
/// </summary>
public static class ResourceName
{
    private const string Family = "flanneltest";

    private static int last;

    /// <summary>The prefix of all resources of this process.</summary>
    public static string Prefix { get; } = $"{Family}-{Environment.ProcessId}-{StartTicks(Environment.ProcessId)}-";

    /// <summary>A name that is unique on this machine.</summary>
    public static string Create(string what) => $"{Prefix}{Interlocked.Increment(ref last)}-{what}";

    /// <summary>Whether the name is of this form and its owning process has ended.</summary>
    public static bool IsOrphan(string name)
    {
        var parts = name.Split('-');
        return parts.Length >= 4 && parts[0] == Family
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
            && StartTicks(processId) != parts[2];
    }

    /// <summary>The start time of a process in clock ticks since boot; empty if it does not exist. A process that reuses an id has
    /// another start time.</summary>
    private static string StartTicks(int processId)
    {
        try
        {
            // The program name is in parentheses and may contain blanks; the start time is field 22, the 20th after the name.
            var status = File.ReadAllText($"/proc/{processId}/stat");
            return status[(status.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return "";
        }
    }
}
