using System.Globalization;
using System.Text.RegularExpressions;
using Flannel.Testbed;

namespace Flannel.Benchmarks;

/// <summary>The moments of one start of flanneld, since the call of execve, from the system calls that strace recorded.</summary>
/// <param name="Main">The runtime is initialized, and the program's own code begins.</param>
/// <param name="Connect">The first connection to etcd is opened.</param>
/// <param name="Request">The first request to etcd is sent.</param>
/// <param name="Leased">The log says that the subnet is leased.</param>
/// <param name="Ready">READY=1 is sent.</param>
internal sealed partial record StartTimeline(TimeSpan Main, TimeSpan Connect, TimeSpan Request, TimeSpan Leased, TimeSpan Ready)
{
    /// <summary>The arguments of strace. It runs as a detached grandchild, so that the process id is that of flanneld, and stops flanneld
    /// at these calls only.</summary>
    public static IReadOnlyList<string> Tracer(string file) =>
    [
        "/usr/bin/strace", "--daemonize", "--follow-forks", "--seccomp-bpf", "--quiet=all", "--absolute-timestamps=unix,us",
        "--string-limit=512", "--trace=execve,fcntl,connect,sendto,sendmsg,write", "--output", file,
    ];

    /// <param name="etcdPort">The port that etcd listens on.</param>
    /// <exception cref="TestbedException">A moment is missing.</exception>
    public static StartTimeline Parse(IReadOnlyList<string> lines, int etcdPort)
    {
        var connect = string.Create(CultureInfo.InvariantCulture, $"sin_port=htons({etcdPort})");
        var start = First(lines, "execve(", "flanneld");
        return new StartTimeline(
            First(lines, "fcntl(0, F_GETFD", "") - start,
            First(lines, "connect(", connect) - start,
            First(lines, "send", "/etcdserverpb.") - start,
            First(lines, "write(", "leased") - start,
            First(lines, "send", "READY=1") - start);
    }

    private static TimeSpan First(IReadOnlyList<string> lines, string call, string argument)
    {
        foreach (var line in lines)
        {
            if (Line().Match(line) is { Success: true } match && match.Groups["call"].Value is var text
                && text.StartsWith(call, StringComparison.Ordinal) && text.Contains(argument, StringComparison.Ordinal))
            {
                return TimeSpan.FromSeconds(double.Parse(match.Groups["time"].Value, CultureInfo.InvariantCulture));
            }
        }
        throw new TestbedException($"strace has recorded no {call}…{argument}");
    }

    [GeneratedRegex(@"^\d+ +(?<time>[\d.]+) (?<call>.*)$")]
    private static partial Regex Line();
}
