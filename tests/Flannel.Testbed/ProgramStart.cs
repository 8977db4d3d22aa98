using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>How to start a program: command line, network namespace, user, root folder.</summary>
public sealed record ProgramStart(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The user id and group id without privileges.</summary>
    public const int UnprivilegedUser = 65534;

    public NetworkNamespace? Namespace { get; init; }

    /// <summary>Whether to run as <see cref="UnprivilegedUser"/> without capabilities. Ignored if this process is not root.</summary>
    public bool Unprivileged { get; init; }

    /// <summary>Whether an unprivileged program has CAP_NET_ADMIN, as the drop-ins of the unit grant it.</summary>
    public bool HasNetAdmin { get; init; }

    /// <summary>The folder to use as root of the file system; it contains the program. Needs root; the program runs as root.</summary>
    public string? ChangeRoot { get; init; }

    /// <summary>A program with its arguments that runs the program and keeps its process id, such as a tracer.</summary>
    public IReadOnlyList<string> Wrapper { get; init; } = [];

    /// <summary>A file to which the output is appended while the program runs.</summary>
    public string? LogFile { get; init; }

    /// <summary>The whole environment; null inherits that of this process.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Prefixes the program with wrappers (setsid, nsenter, setpriv, chroot). Each execs the next, so that the process id is
    /// that of the program.</summary>
    private List<string> CommandLine()
    {
        // A new session: Ctrl-C in the terminal reaches only this process, which ends its children in its own order.
        List<string> line = ["/usr/bin/setsid"];
        if (Namespace is not null)
        {
            line.AddRange(["/usr/bin/nsenter", $"--net={Namespace.Path}"]);
        }
        line.Add("/usr/bin/setpriv");
        if (Unprivileged && Posix.IsRoot)
        {
            var capabilities = HasNetAdmin ? "-all,+net_admin" : "-all";
            line.AddRange(
            [
                $"--reuid={UnprivilegedUser}", $"--regid={UnprivilegedUser}", "--clear-groups", $"--inh-caps={capabilities}",
                $"--ambient-caps={capabilities}", $"--bounding-set={capabilities}", "--no-new-privs",
            ]);
        }
        // The kernel kills the program when this process ends.
        line.AddRange(["--pdeathsig", "KILL"]);
        if (ChangeRoot is not null)
        {
            line.AddRange(["/usr/sbin/chroot", ChangeRoot]);
        }
        line.AddRange(Wrapper);
        line.Add(Program);
        line.AddRange(Arguments);
        return line;
    }

    internal ProcessStartInfo ToProcessStartInfo()
    {
        var line = CommandLine();
        var start = new ProcessStartInfo(line[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (var argument in line.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }
        if (Environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in Environment)
            {
                start.Environment[name] = value;
            }
        }
        return start;
    }
}
