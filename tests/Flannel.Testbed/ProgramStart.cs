using System.Diagnostics;

namespace Flannel.Testbed;

/// <summary>How a program is to be started: what, where, as whom.</summary>
public sealed record ProgramStart(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>nobody: what an unprivileged daemon is to the kernel.</summary>
    public const int UnprivilegedUser = 65534;

    public NetworkNamespace? Namespace { get; init; }

    /// <summary>As an ordinary user without any capability. Needs root to change to it, is ignored otherwise.</summary>
    public bool Unprivileged { get; init; }

    /// <summary>A folder that becomes the root of the file system, with the program in it. Needs root, and stays root.</summary>
    public string? ChangeRoot { get; init; }

    /// <summary>A file that all it prints is also appended to, for a reader while it runs.</summary>
    public string? LogFile { get; init; }

    /// <summary>The whole environment, when not null: nothing is inherited.</summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>Small programs in front of it that exec the next one: the process id stays that of the program.</summary>
    internal ProcessStartInfo ToProcessStartInfo()
    {
        // A session of its own: Ctrl-C in the terminal is ours alone, and what we started ends in our order.
        List<string> line = ["/usr/bin/setsid"];
        if (Namespace is not null)
        {
            line.AddRange(["/usr/bin/nsenter", $"--net={Namespace.Path}"]);
        }
        line.Add("/usr/bin/setpriv");
        if (Unprivileged && Posix.IsRoot)
        {
            line.AddRange([$"--reuid={UnprivilegedUser}", $"--regid={UnprivilegedUser}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]);
        }
        // However we end, it ends with us.
        line.AddRange(["--pdeathsig", "KILL"]);
        if (ChangeRoot is not null)
        {
            line.AddRange(["/usr/sbin/chroot", ChangeRoot]);
        }
        line.Add(Program);
        line.AddRange(Arguments);

        var start = new ProcessStartInfo(line[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
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
