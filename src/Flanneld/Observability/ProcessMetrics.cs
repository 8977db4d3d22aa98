using System.Globalization;
using Flannel.HostNetwork;
using Flanneld.Observability.Prometheus;
using Flanneld.Options;

namespace Flanneld.Observability;

/// <summary>The metrics of the process, from /proc (<c>Documentation/filesystems/proc.rst</c>) and from the runtime. A value that cannot
/// be read is absent.</summary>
/// <param name="started">UTC.</param>
internal sealed class ProcessMetrics(DateTimeOffset started)
{
    private const string StatFile = "/proc/self/stat";
    private const string LimitsFile = "/proc/self/limits";
    private const string FilesFolder = "/proc/self/fd";

    // In user space the kernel counts time in hundredths of a second on all architectures of .NET.
    private const double TicksPerSecond = 100;

    // The positions after the name of the program, which may contain blanks.
    private const int UserTime = 11;
    private const int SystemTime = 12;
    private const int Threads = 17;
    private const int VirtualBytes = 20;
    private const int ResidentPages = 21;

    public void AppendTo(MetricText text)
    {
        text.Add(
            MetricCatalog.BuildInfo, 1, ProgramVersion.Text, ProgramVersion.Commit,
            Environment.Version.ToString());
        AppendStat(text);
        if (CountOpenFiles() is { } open) text.Add(MetricCatalog.ProcessOpenFiles, open);
        if (ReadMaxFiles() is { } limit) text.Add(MetricCatalog.ProcessMaxFiles, limit);
        text.Add(MetricCatalog.ProcessStart, started);
        text.Add(MetricCatalog.HeapBytes, GC.GetTotalMemory(forceFullCollection: false));
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            text.Add(
                MetricCatalog.Collections, GC.CollectionCount(generation), generation.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void AppendStat(MetricText text)
    {
        if (KernelFile.Read(StatFile) is not { } stat) return;
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        if (fields.Length <= ResidentPages) return;
        text.Add(MetricCatalog.ProcessCpu, (Parse(fields[UserTime]) + Parse(fields[SystemTime])) / TicksPerSecond);
        text.Add(MetricCatalog.ProcessResidentMemory, Parse(fields[ResidentPages]) * Environment.SystemPageSize);
        text.Add(MetricCatalog.ProcessVirtualMemory, Parse(fields[VirtualBytes]));
        text.Add(MetricCatalog.ProcessThreads, Parse(fields[Threads]));
    }

    private static int? CountOpenFiles()
    {
        try
        {
            // Without the descriptor of the listing itself.
            return Directory.GetFileSystemEntries(FilesFolder).Length - 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The soft limit: the first number of its line.</summary>
    private static double? ReadMaxFiles()
    {
        const string name = "Max open files";
        var line = KernelFile.Read(LimitsFile)?.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        var value = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
    }

    private static double Parse(string field) => long.Parse(field, CultureInfo.InvariantCulture);
}
