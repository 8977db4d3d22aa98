using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>The memory of one daemon.</summary>
/// <param name="Ready">Soon after READY=1.</param>
/// <param name="Idle">After the idle time, the median of a minute.</param>
internal sealed record NodeMemory(ResidentMemory Ready, ResidentMemory Idle)
{
    public void AddTo(Report report, int idleSeconds)
    {
        Add("after ready", Ready, "30 MB", "< 20 MB");
        Add($"after {idleSeconds} s idle", Idle, "", "< 16 MB");
        report.Add("peak", Report.Megabytes(Idle.Peak));

        void Add(string title, ResidentMemory memory, string upstream, string target)
        {
            report.Add(title, Report.Megabytes(memory.Total), upstream, target);
            report.Add("  its own (RssAnon)", Report.Megabytes(memory.Anonymous));
            report.Add("  pages of the executable (RssFile)", Report.Megabytes(memory.File));
        }
    }
}
