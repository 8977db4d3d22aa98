using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>A container or a host with a web server that returns the client's address.</summary>
/// <param name="Run">Runs a program in it to its end. The first argument is the program.</param>
internal sealed record Workload(
    string Name, string Address, string Busybox, Func<IReadOnlyList<string>, CancellationToken, Task<CommandResult>> Run)
{
    /// <summary>The result of <see cref="SourceAtAsync"/> when nothing answers.</summary>
    public const string NoAnswer = "no answer";

    /// <summary>The port of the web server of a container that is published.</summary>
    public const int PublishedPort = 80;

    /// <summary>The port of every web server. Docker's own rules accept packets to a published port of a container, and not to this
    /// one.</summary>
    private const int Port = 8000;

    private const int Attempts = 3;

    /// <summary>The arguments of busybox in a container: web servers on both ports.</summary>
    public static string[] Servers(string busybox, string www) =>
    [
        "sh", "-c", $"{busybox} httpd -p 0.0.0.0:{PublishedPort} -h {www}; exec {busybox} httpd -f -p 0.0.0.0:{Port} -h {www}",
    ];

    /// <summary>A host without containers, and its web server.</summary>
    public static async Task<Workload> StartOnHostAsync(string name, string address, NetworkNamespace ns)
    {
        string[] arguments = ["httpd", "-f", "-p", $"0.0.0.0:{Port}", "-h", Path.Combine(HostPrograms.Image, "www")];
        var server = await ChildProcess.StartAsync(new ProgramStart(HostPrograms.Busybox, arguments) { Namespace = ns });
        return new Workload(name, address, HostPrograms.Busybox, (line, cancel) => ns.ExecAsync(line[0], [.. line.Skip(1)], cancel))
        {
            Process = server,
        };
    }

    /// <summary>The process of a web server on a host; null for a container.</summary>
    public ChildProcess? Process { get; private init; }

    /// <summary>The address of this workload that a web server sees, or <see cref="NoAnswer"/>.</summary>
    public async Task<string> SourceAtAsync(string address, CancellationToken cancel, int port = Port)
    {
        for (var attempt = 1; ; attempt++)
        {
            // timeout, because wget -T of busybox does not end in every case.
            var result = await Run(
                [Busybox, "timeout", "3", Busybox, "wget", "-q", "-O", "-", $"http://{address}:{port}/cgi-bin/source"], cancel);
            if (result.ExitCode == 0)
            {
                return result.Output.Trim().Trim('[', ']').Replace("::ffff:", "", StringComparison.Ordinal);
            }
            if (attempt == Attempts)
            {
                return NoAnswer;
            }
        }
    }
}
