using System.Globalization;

namespace Flannel.Testbed;

/// <summary>
/// Everything that outlives a killed process (namespaces, folders) carries the owner's process id and start time in its name,
/// so that the next run knows what is nobody's any more and removes it, and never anything else.
/// </summary>
public static class Owner
{
    private const string Family = "flannelbed";

    private static int last;

    /// <summary>Starts the name of everything that this process makes.</summary>
    public static string Prefix { get; } = $"{Family}-{Environment.ProcessId}-{StartTicks(Environment.ProcessId)}-";

    /// <summary>A name that no other thing of this machine has.</summary>
    public static string NewName(string what) => $"{Prefix}{Interlocked.Increment(ref last)}-{what}";

    /// <summary>Whether the name is one of ours and its owner is gone.</summary>
    public static bool IsOrphan(string name)
    {
        var parts = name.Split('-');
        return parts.Length >= 4 && parts[0] == Family
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
            && StartTicks(processId) != parts[2];
    }

    /// <summary>When a process started, in clock ticks since the boot; empty when it does not exist. Makes a reused process id harmless.</summary>
    private static string StartTicks(int processId)
    {
        try
        {
            // The name of the program stands in brackets and may hold blanks; the start time is field 22, the 20th after it.
            var status = File.ReadAllText($"/proc/{processId}/stat");
            return status[(status.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return "";
        }
    }
}
