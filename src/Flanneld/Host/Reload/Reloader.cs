using Flannel.Core;
using Flannel.Etcd.Client;
using Flannel.Kubernetes.Client.Http;
using Flanneld.Observability;
using Flanneld.Options;
using Flanneld.Options.Installed;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Host.Reload;

/// <summary>Handles SIGHUP, which <c>systemctl reload flanneld</c> sends: applies the log level of the installed service, names the
/// settings that need a restart, and reads passwords, keys and certificates again.</summary>
/// <param name="readInstalled">The settings of the service now; null for a process that systemd has not started.</param>
internal sealed class Reloader(
    DaemonOptions options, StartSettings start, Func<Task<InstalledSettings>>? readInstalled, ReloadedFiles files, LogLevels levels,
    ILogger logger)
{
    /// <summary>The service's unit passes this variable to its process (systemd.exec(5)).</summary>
    public static bool IsService(IReadOnlyDictionary<string, string> environment) =>
        environment.GetValueOrDefault("INVOCATION_ID") is { Length: > 0 };

    public async Task ReloadAsync()
    {
        HostLog.Reloading(logger);
        var changes = ReloadFiles() + await ReloadSettingsAsync();
        var count = changes switch
        {
            0 => "nothing changed",
            1 => "1 change",
            _ => $"{changes} changes",
        };
        HostLog.Reloaded(logger, $"{count}, log level -v={levels.Verbosity}");
    }

    /// <returns>The number of files that have changed.</returns>
    private int ReloadFiles()
    {
        var changes = files.FindChanges();
        foreach (var file in changes.Changed) HostLog.FileChanged(logger, file.ToString());
        foreach (var problem in changes.Problems) HostLog.ReloadProblem(logger, problem);
        if (changes is { Changed.Count: > 0, Problems.Count: 0 } && CheckContent() is { Ok: false } check)
            HostLog.ReloadProblem(logger, $"{check.Error}; the former content stays in use");
        return changes.Changed.Count;
    }

    /// <summary>Certificates that do not fit their key, and the like. The password is not needed for it.</summary>
    private Result<Unit> CheckContent()
    {
        if (options.IsKubeSubnetManager) return CheckKubeFiles();
        var etcd = options.CreateEtcdOptions(options.EtcdUsername is null ? null : new Secret("?"));
        return etcd.Ok ? EtcdConnection.CheckFiles(etcd.Value).WithErrorPrefix("etcd: ") : Result.Failure(etcd.Error);
    }

    private Result<Unit> CheckKubeFiles()
    {
        var context = new KubeApiContext
        {
            ProgramVersion = ProgramVersion.Text,
            Logger = NullLogger.Instance,
            Time = TimeProvider.System,
            Random = new SharedRandom(),
        };
        var api = KubeApi.Create(options.CreateKubeAccess(start.Environment), context);
        if (!api.Ok) return Result.Failure(api.Error);
        api.Value.Dispose();
        return Unit.Instance;
    }

    /// <returns>The number of settings that have changed.</returns>
    private async Task<int> ReloadSettingsAsync()
    {
        if (readInstalled is null) return 0;
        var installed = await readInstalled();
        foreach (var problem in installed.Problems) HostLog.ReloadProblem(logger, problem);
        // With an unreadable file, nothing is known about the settings in it.
        if (installed.Problems.Count > 0) return 0;
        var found = SettingChanges.Find(start, installed);
        if (!found.Ok)
        {
            HostLog.ReloadProblem(logger, $"{found.Error}; the next start fails");
            return 0;
        }

        var changes = found.Value;
        foreach (var line in changes.NeedRestart) HostLog.RestartNeeded(logger, line);
        foreach (var problem in changes.Problems) HostLog.ReloadProblem(logger, problem);
        return changes.NeedRestart.Count + (ApplyLevel(changes.Verbosity) ? 1 : 0);
    }

    /// <returns>Whether the level has changed.</returns>
    private bool ApplyLevel(Result<int> verbosity)
    {
        if (!verbosity.Ok) HostLog.ReloadProblem(logger, $"{verbosity.Error}; the log level stays -v={levels.Verbosity}");
        if (!verbosity.Ok || verbosity.Value == levels.Verbosity) return false;
        var before = levels.Verbosity;
        levels.Verbosity = verbosity.Value;
        HostLog.LevelChanged(logger, before, verbosity.Value);
        return true;
    }
}
