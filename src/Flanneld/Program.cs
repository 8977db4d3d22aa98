using System.Collections;
using System.Runtime.InteropServices;
using Flannel.Core;
using Flannel.HostNetwork.Firewall;
using Flannel.HostNetwork.Vxlan;
using Flanneld.Clients;
using Flanneld.Commands;
using Flanneld.Commands.BugReport;
using Flanneld.Commands.Check;
using Flanneld.Commands.Config;
using Flanneld.Commands.Leases;
using Flanneld.Commands.Routes;
using Flanneld.Commands.Status;
using Flanneld.Host;
using Flanneld.Host.Reload;
using Flanneld.Observability;
using Flanneld.Options;
using Flanneld.Options.Installed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld;

internal static class Program
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int Usage = 2;

    /// <summary>The number of SIGUSR1 on Linux (signal(7)).</summary>
    private const int SigUsr1 = 10;

    /// <summary>Of the whole life of the process; without a reference they end.</summary>
    private static readonly List<PosixSignalRegistration> Survived = [];

    private static async Task<int> Main(string[] arguments)
    {
        // First: the pipe of the signal handlers must not get the number of a closed stream.
        StandardStreams.OpenClosed();
        // An error that cannot be printed does not change the exit code.
        Console.SetError(new StandardErrorWriter(Console.Error));
        if (InstallConf.IsCalled())
        {
            var copied = InstallConf.Run(arguments);
            return copied.Ok ? Success : await PrintErrorAsync($"{InstallConf.Name}: {copied.Error}", Failure);
        }

        // Commands end with their terminal.
        if (arguments is [] || arguments[0].StartsWith('-')) SurviveSignals();
        NssConfiguration.UseNoModules();
        var environment = ReadEnvironment();
        var installed = CommandLine.UsesInstalledSettings(arguments) ? await ReadInstalledSettingsAsync() : InstalledSettings.None;
        var parsed = CommandLine.Parse(arguments, environment, installed);
        var options = parsed.Ok ? parsed.Value : CommandLine.ParseReport(arguments, parsed.Error);
        if (options is null) return await PrintErrorAsync($"flanneld: {parsed.Error}", Usage);
        if (TextCommands.Find(options) is { } text)
        {
            return text.Ok
                ? await PrintAsync(text.Value)
                : await PrintErrorAsync($"flanneld {CommandDescriptor.NameOf(options.Command)}: {text.Error}", Usage);
        }

        UseNoHomeFolder();
        var openSsl = OpenSslConfiguration.Apply(environment.GetValueOrDefault(OpenSslConfiguration.Variable));
        if (!openSsl.Ok) return await PrintErrorAsync($"flanneld: {openSsl.Error}", Failure);
        var metrics = new DaemonMetrics();
        using var log = Logging.Create(options, environment, metrics.Log);
        if (installed != InstalledSettings.None && options.Verbosity > 0) await PrintSourcesAsync(options);
        var start = new StartSettings(arguments, environment);
        return await RunAsync(options, installed.ApplyTo(environment), start, log, metrics);
    }

    private static async Task<int> RunAsync(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, StartSettings start, Logging log, DaemonMetrics metrics)
    {
        var loggers = log.Loggers;
        var logger = loggers.CreateLogger("flanneld");
        var state = new StateDump();
        using var shutdown = new ShutdownSignal(TimeProvider.System);
        using var terminate = OnSignal(PosixSignal.SIGTERM, "SIGTERM", shutdown, logger);
        using var interrupt = OnSignal(PosixSignal.SIGINT, "SIGINT", shutdown, logger);
        using var hangup = options.Command == Command.Run ? OnHangup(options, start, log, logger) : null;
        using var stateRequest = options.Command == Command.Run ? OnStateRequest(state, logger) : null;
        try
        {
            if (options.Command != Command.Run)
                return await RunCommandAsync(options, environment, loggers, shutdown.Token);
            var context = new ClientContext(environment, loggers, new BootTimeProvider(), new SharedRandom()) { Metrics = metrics };
            await using var daemon = new DaemonHost(options, context) { State = state };
            var result = await daemon.RunAsync(shutdown.Token);
            if (result.Ok) return Success;
            HostLog.Failed(logger, result.Error);
            return Failure;
        }
        catch (OperationCanceledException) when (shutdown.Token.IsCancellationRequested)
        {
            return options.Command == Command.Run ? Success : Failure;
        }
        catch (IOException e) when (options.Command != Command.Run)
        {
            return await ReportOutputErrorAsync(e);
        }
#pragma warning disable CA1031 // The edge of the process: an internal error is logged with its stack; the service manager restarts it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            HostLog.InternalError(logger, InternalError.Line(exception), exception);
            return Failure;
        }
    }

    /// <summary>Runs a command: its result on stdout, why it failed on stderr.</summary>
    private static async Task<int> RunCommandAsync(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, ILoggerFactory loggers, CancellationToken cancellation)
    {
        // The report contains what the log would say.
        var isQuiet = options.Verbosity == 0 && options.Command is Command.Check or Command.Status or Command.BugReport
            or Command.ConfigGet or Command.ConfigValidate or Command.ConfigSet;
        var context = new ClientContext(
            environment, isQuiet ? NullLoggerFactory.Instance : loggers, TimeProvider.System, new SharedRandom());
        var running = options.Command switch
        {
            Command.Healthcheck => new Healthcheck(options).RunAsync(cancellation),
            Command.Cleanup => new Cleanup(
                options, new FirewallCleanup(FirewallPrograms.OfThisHost(), context.Time), Iproute2.OfThisHost(context.Time))
                .RunAsync(cancellation),
            _ => RunConnectedCommandAsync(options, context, cancellation),
        };
        var result = await running;
        return result.Ok
            ? Success
            : await PrintErrorAsync($"flanneld {CommandDescriptor.NameOf(options.Command)}: {result.Error}", Failure);
    }

    private static async Task<Result<Unit>> RunConnectedCommandAsync(
        DaemonOptions options, ClientContext context, CancellationToken cancellation)
    {
        var opened = options.SettingsError is { } invalid ? Result.Failure(invalid) : Connections.Open(options, context);
        using var connections = opened.Ok ? opened.Value : null;
        if (options.Command == Command.ConfigValidate)
            return await new ConfigValidate(options, opened, context).RunAsync(cancellation);
        if (options.Command == Command.BugReport) return await new BugReportCommand(options, opened, context).RunAsync(cancellation);
        if (connections is null) return Result.Failure(opened.Error!);
        var running = options.Command switch
        {
            Command.Check => new CheckCommand(options, connections, context).RunAsync(cancellation),
            Command.ConfigGet => new ConfigGet(options, connections).RunAsync(cancellation),
            Command.ConfigSet => SetConfigAsync(options, connections, context, cancellation),
            Command.Leases => new LeaseListing(options, connections, context.Time).RunAsync(cancellation),
            Command.Status => new StatusCommand(options, connections, context.Time).RunAsync(cancellation),
            Command.Release => new Release(options, connections, context.Time, context.Environment.GetValueOrDefault("STATE_DIRECTORY"))
                .RunAsync(cancellation),
            _ => RunRouteCommandAsync(
                new RouteCommandContext(options, connections, context.Time, context.Random, context.Loggers.CreateLogger("routes")),
                cancellation),
        };
        return await running;
    }

    private static Task<Result<Unit>> SetConfigAsync(
        DaemonOptions options, Connections connections, ClientContext context, CancellationToken cancellation) =>
        connections.Store is EtcdClusterStore etcd
            ? new ConfigSet(options, connections, etcd, context).RunAsync(cancellation)
            : Task.FromResult<Result<Unit>>(Result.Failure(
                $"the configuration is the file {options.NetConfigPath} of a ConfigMap, which this command does not write; use"
                + $" {connections.Subnets.ConfigCommand}"));

    private static Task<Result<Unit>> RunRouteCommandAsync(RouteCommandContext context, CancellationToken cancellation) =>
        context.Options.Command == Command.RoutesClean
            ? new RouteCleaning(context).RunAsync(cancellation)
            : new RoutesCommand(context).RunAsync(cancellation);

    /// <summary>The first signal shuts the process down; a later one ends it at once.</summary>
    private static PosixSignalRegistration OnSignal(PosixSignal signal, string name, ShutdownSignal shutdown, ILogger logger) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            var request = shutdown.Request();
            // Without cancellation, the runtime ends the process.
            context.Cancel = request != ShutdownRequest.EndNow;
            if (request == ShutdownRequest.First) HostLog.Stopping(logger, name);
        });

    /// <summary>The daemon reads its files and its log level again. It survives the end of a terminal session, which sends the same
    /// signal.</summary>
    private static SignalTask OnHangup(DaemonOptions options, StartSettings start, Logging log, ILogger logger)
    {
        Func<Task<InstalledSettings>>? readInstalled = Reloader.IsService(start.Environment) ? ReadInstalledSettingsAsync : null;
        var reloader = new Reloader(options, start, readInstalled, ReloadedFiles.Of(options), log.Levels, logger);
        return SignalTask.Register(PosixSignal.SIGHUP, () => RunToEndAsync(reloader.ReloadAsync, logger));
    }

    /// <summary>Otherwise SIGHUP and SIGUSR1 end the daemon before it can answer them, and when it no longer can.</summary>
    private static void SurviveSignals()
    {
        foreach (var signal in new[] { PosixSignal.SIGHUP, (PosixSignal)SigUsr1 })
            Survived.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = true));
    }

    private static SignalTask OnStateRequest(StateDump state, ILogger logger) => SignalTask.Register(
        (PosixSignal)SigUsr1,
        () => RunToEndAsync(
            () =>
            {
                state.Log(logger);
                return Task.CompletedTask;
            }, logger));

    /// <summary>The answer to a signal must not end the daemon.</summary>
    private static async Task RunToEndAsync(Func<Task> answer, ILogger logger)
    {
        try
        {
            await answer();
        }
#pragma warning disable CA1031 // The task has no caller.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            HostLog.InternalError(logger, InternalError.Line(exception), exception);
        }
    }

    private static async Task<InstalledSettings> ReadInstalledSettingsAsync()
    {
        var host = new InstalledHost("/", new Systemctl(TimeProvider.System).ShowAsync);
        return await new InstalledSettingsReader(host).ReadAsync(CancellationToken.None);
    }

    private static async Task PrintSourcesAsync(DaemonOptions options)
    {
        foreach (var source in options.Sources.DistinctBy(source => $"{source.Name} {source.Source}"))
            await Console.Error.WriteLineAsync($"flanneld: {source.Name} comes from {source.Source}");
    }

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

    /// <param name="lines">May contain values of etcd and of the cloud.</param>
    private static async Task<int> PrintErrorAsync(string lines, int exitCode)
    {
        await Console.Error.WriteLineAsync(string.Join('\n', lines.Split('\n').Select(PrintableText.Of)));
        return exitCode;
    }

    /// <summary>Reports that the output cannot be written, such as to a file on a full disk.</summary>
    private static Task<int> ReportOutputErrorAsync(IOException e) =>
        PrintErrorAsync($"flanneld: cannot write to standard output: {e.Message}", Failure);

    /// <summary>.NET looks for certificates below the home folder, and fails if the user has none, as in a container whose user is not in
    /// passwd.</summary>
    private static void UseNoHomeFolder()
    {
        const string home = "HOME";
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(home))) Environment.SetEnvironmentVariable(home, "/nonexistent");
    }

    private static Dictionary<string, string> ReadEnvironment()
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            result[(string)variable.Key] = (string?)variable.Value ?? "";
        return result;
    }
}
