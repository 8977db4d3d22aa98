using Flanneld.Host;

namespace Flanneld.Tests.Host;

public sealed class ProcessMemoryTests
{
    private const string Program = "/opt/bin/flanneld";

    [Fact]
    public void Only_unchanged_parts_of_the_executable_that_are_not_writable_are_unmapped()
    {
        const string clean = "Anonymous:             0 kB";
        var ranges = ProcessMemory.UnchangedRangesOf(Program,
        [
            "7f12a0000000-7f12a0021000 rw-p 00000000 00:00 0 ", "Rss:                  64 kB", "Anonymous:            64 kB",
            $"7f12a9000000-7f12a9793000 r--p 00000000 fe:00 42                         {Program}", "Rss:                4704 kB", clean,
            $"7f12a9793000-7f12aa209000 r-xp 00792000 fe:00 42                         {Program}", clean, "VmFlags: rd ex mr",
            $"7f12aa209000-7f12aa269000 r--p 01207000 fe:00 42                         {Program}", "Anonymous:           384 kB",
            $"7f12aa269000-7f12aa2b1000 rw-p 01266000 fe:00 42                         {Program}", clean,
            "7f12ab000000-7f12ab001000 r-xp 00000000 fe:00 43                         /usr/lib/other.so", clean,
            "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]", clean,
        ]);
        Assert.Equal(
            [new(0x7f12a9000000, 0x793000), new ProcessMemory.MemoryRange(0x7f12a9793000, 0xa76000)], ranges);
    }

    [Fact]
    public void A_program_that_was_replaced_has_no_such_parts() => Assert.Empty(ProcessMemory.UnchangedRangesOf(Program,
    [
        $"7f12a9000000-7f12a9793000 r--p 00000000 fe:00 42                         {Program} (deleted)", "Anonymous:             0 kB",
    ]));

    [Fact]
    public void This_process_continues_after_it()
    {
        ProcessMemory.Trim();
        Assert.NotEmpty(ProcessMemory.UnchangedRangesOf(Environment.ProcessPath!, File.ReadLines("/proc/self/smaps")));
    }
}
