using System.Collections;
using System.Runtime.InteropServices;
using Flannel.Etcd.Client;
using Flanneld.Commands;
using Flanneld.Commands.Check;
using Flanneld.Host;
using Flanneld.Observability;
using Flanneld.Options;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld;

internal static class Program
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int Usage = 2;

    private static async Task<int> Main(string[] arguments)
    {
        StandardStreams.OpenClosed();
        NssConfiguration.UseNoModules();
        var environment = ReadEnvironment();
        var (parsed, error) = CommandLine.Parse(arguments, environment);
        if (parsed is not { } options)
        {
            await Console.Error.WriteLineAsync($"flanneld: {error}");
            return Usage;
        }

        if (options.Help || options.Version)
        {
            return await PrintAsync(options.Help ? HelpText.Compose() : ProgramVersion.Text + "\n");
        }

        UseNoHomeFolder();
        if (OpenSslConfiguration.Apply(environment.GetValueOrDefault(OpenSslConfiguration.Variable)) is { } problem)
        {
            await Console.Error.WriteLineAsync($"flanneld: {problem}");
            return Failure;
        }

        using var loggers = Logging.Create(options, environment);
        var logger = loggers.CreateLogger("flanneld");
        using var stop = new ShutdownSignal(TimeProvider.System);
        using var terminate = OnSignal(PosixSignal.SIGTERM, "SIGTERM", stop, logger);
        using var interrupt = OnSignal(PosixSignal.SIGINT, "SIGINT", stop, logger);
        using var hangup = options.Command == Command.Run ? IgnoreHangup(logger) : null;
        try
        {
            if (options.Command != Command.Run) return await CommandAsync(options, environment, loggers, stop.Token);
            await using var daemon = new DaemonHost(options, environment, loggers, new BootTimeProvider(), new SharedRandom());
            var reason = await daemon.RunAsync(stop.Token);
            if (reason is null) return Success;
            HostLog.Failed(logger, reason);
            return Failure;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            return options.Command == Command.Run ? Success : Failure;
        }
        catch (IOException e) when (options.Command != Command.Run)
        {
            return await ReportOutputErrorAsync(e);
        }
#pragma warning disable CA1031 // The edge of the process: a bug is reported as one, with its stack, and the service manager starts us anew.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            HostLog.Bug(logger, InternalError.Line(bug), bug);
            return Failure;
        }
    }

    /// <summary>A command of a person or a script: what it has to say on stdout, why it failed on stderr.</summary>
    private static async Task<int> CommandAsync(
        DaemonOptions options, Dictionary<string, string> environment, ILoggerFactory loggers, CancellationToken cancellation)
    {
        string? problem;
        if (options.Command == Command.Healthcheck)
        {
            problem = await Healthcheck.RunAsync(options, cancellation);
        }
        else
        {
            var (time, random) = (TimeProvider.System, new SharedRandom());
            // What a check has to say is in its report.
            var quiet = options.Command == Command.Check && options.Verbosity == 0;
            using var connections = Connections.Open(options, environment, quiet ? NullLoggerFactory.Instance : loggers, time, random, out var error);
            problem = connections is null ? error : options.Command switch
            {
                Command.Check => await new Check(options, connections, time).RunAsync(cancellation),
                Command.Release => await new Release(options, connections, time, environment.GetValueOrDefault("STATE_DIRECTORY"))
                    .RunAsync(cancellation),
                _ => await new RouteListing(options, connections, time, random, loggers.CreateLogger("routes")).RunAsync(cancellation),
            };
        }

        if (problem is null) return Success;
        await Console.Error.WriteLineAsync($"flanneld {CommandDescriptor.All.First(word => word.Command == options.Command).Name}: {problem}");
        return Failure;
    }

    /// <summary>The first signal stops in good order. A later one ends the process at once, as the impatient expect; one that comes right behind
    /// the first is the same wish said twice (timeout(1) signals the process and then its group).</summary>
    private static PosixSignalRegistration OnSignal(PosixSignal signal, string name, ShutdownSignal stop, ILogger logger) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = stop.Ask(out var first);
            if (first) HostLog.Stopping(logger, name);
        });

    /// <summary>The end of a terminal session is not the end of the daemon.</summary>
    private static PosixSignalRegistration IgnoreHangup(ILogger logger) =>
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            HostLog.HangupIgnored(logger);
        });

    private static async Task<int> PrintAsync(string text)
    {
        try
        {
            await Console.Out.WriteAsync(text);
            return Success;
        }
        catch (IOException e)
        {
            return await ReportOutputErrorAsync(e);
        }
    }

    /// <summary>Such as a full disk behind a redirection.</summary>
    private static async Task<int> ReportOutputErrorAsync(IOException e)
    {
        await Console.Error.WriteLineAsync($"flanneld: cannot write to standard output: {e.Message}");
        return Failure;
    }

    /// <summary>.NET looks for certificates below the home folder, and fails where the user has none: in a container whose user is in no
    /// passwd.</summary>
    private static void UseNoHomeFolder()
    {
        const string home = "HOME";
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(home))) Environment.SetEnvironmentVariable(home, "/nonexistent");
    }

    private static Dictionary<string, string> ReadEnvironment()
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables()) result[(string)variable.Key] = (string?)variable.Value ?? "";
        return result;
    }
}
