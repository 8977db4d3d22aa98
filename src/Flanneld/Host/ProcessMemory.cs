using System.Globalization;
using System.Runtime.InteropServices;

namespace Flanneld.Host;

/// <summary>Gives back memory that is needed only now and then (ADR 11).</summary>
internal static partial class ProcessMemory
{
    private const string Mappings = "/proc/self/smaps";

    // MADV_DONTNEED and MADV_COLD of madvise(2), on x64 and arm64.
    private const int NotNeeded = 4;
    private const int Cold = 20;

    /// <summary>A part of the address space, in bytes.</summary>
    internal sealed record MemoryRange(long Start, long Length);

    /// <summary>Collects the heap, and unmaps the pages of the executable, in this order: the collector has pages of its own. The next
    /// instruction maps again what it needs, from the page cache; the other pages are then the first that the kernel reclaims.</summary>
    public static void Trim()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        UnmapExecutable();
    }

    private static void UnmapExecutable()
    {
        if (Environment.ProcessPath is not { } executable) return;
        try
        {
            foreach (var range in UnchangedRangesOf(executable, File.ReadLines(Mappings)))
            {
                // In this order: unmapping a page that was used recently would protect it from being reclaimed.
                _ = Advise((nint)range.Start, (nint)range.Length, Cold);
                _ = Advise((nint)range.Start, (nint)range.Length, NotNeeded);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without /proc the pages stay mapped.
        }
    }

    /// <summary>The ranges of a file that are not writable and have no changed page, which the kernel can read from the file
    /// again.</summary>
    /// <param name="lines">Of <c>/proc/PID/smaps</c> (proc(5)): a line with the range of each mapping, then its values.</param>
    internal static IReadOnlyList<MemoryRange> UnchangedRangesOf(string path, IEnumerable<string> lines)
    {
        List<MemoryRange> unchanged = [];
        MemoryRange? current = null;
        foreach (var line in lines)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!words[0].EndsWith(':')) current = IsReadOnly(words, line, path) ? RangeOf(words[0]) : null;
            else if (current is not null && words is ["Anonymous:", "0", ..]) unchanged.Add(current);
        }

        return unchanged;
    }

    private static bool IsReadOnly(string[] words, string line, string path) =>
        words is [_, ['r', '-', _, 'p'], ..] && line.EndsWith($" {path}", StringComparison.Ordinal);

    private static MemoryRange RangeOf(string text)
    {
        var split = text.IndexOf('-', StringComparison.Ordinal);
        var start = long.Parse(text.AsSpan(0, split), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new MemoryRange(start, long.Parse(text.AsSpan(split + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture) - start);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint start, nint length, int advice);
}
