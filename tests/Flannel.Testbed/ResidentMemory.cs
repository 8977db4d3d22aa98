using System.Globalization;

namespace Flannel.Testbed;

/// <summary>The memory of a process in bytes (proc_pid_status(5)).</summary>
/// <param name="Total">VmRSS, as <c>ps</c> shows it.</param>
/// <param name="Anonymous">RssAnon: heaps, stacks and changed data.</param>
/// <param name="File">RssFile: unchanged pages of the executable, which the kernel can drop and read again.</param>
/// <param name="Peak">VmHWM: the largest total so far.</param>
public sealed record ResidentMemory(long Total, long Anonymous, long File, long Peak)
{
    internal static ResidentMemory Of(int processId)
    {
        var fields = System.IO.File.ReadLines($"/proc/{processId}/status")
            .Select(line => line.Split(':', 2)).Where(field => field.Length == 2).ToDictionary(field => field[0], field => field[1]);
        return new ResidentMemory(Bytes("VmRSS"), Bytes("RssAnon"), Bytes("RssFile"), Bytes("VmHWM"));

        long Bytes(string field) => 1024 * long.Parse(
            fields[field].Replace("kB", "", StringComparison.Ordinal),
            NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }
}
