using System.Net;
using Flannel.Core;
using Flannel.HostNetwork;
using Flanneld.Options.Installed;

namespace Flanneld.Options;

/// <summary>Reads the flags as Go's package flag does, then <c>FLANNELD_…</c> for flags that are not given, then the settings of the
/// installed service.</summary>
internal static class CommandLine
{
    private const string HelpAlias = "h";

    /// <summary>Whether the settings of the installed service are used: by a person who runs a command. The daemon gets them from
    /// systemd.</summary>
    public static bool UsesInstalledSettings(IReadOnlyList<string> arguments) =>
        arguments is [var first, ..] && (first.StartsWith('-')
            ? arguments.Any(IsDryRun)
            : CommandDescriptor.Find(arguments) is { NeedsNoSettings: false });

    /// <summary>Whether it is <c>--dry-run</c> in a form of Go's package flag, without the value false.</summary>
    private static bool IsDryRun(string argument)
    {
        var parts = argument.TrimStart('-').Split('=', 2);
        return parts[0] == "dry-run" && (parts.Length == 1 || FlagValues.ParseBoolean(parts[1]) == true);
    }

    /// <returns>The options, or one line for stderr; the exit code is then 2.</returns>
    public static Result<DaemonOptions> Parse(
        IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment, InstalledSettings? installed = null)
    {
        InterfacePattern.LimitTime();
        installed ??= InstalledSettings.None;
        var options = new DaemonOptions { Installed = installed };
        var maxArguments = 0;
        if (arguments is [var first, ..] && !first.StartsWith('-'))
        {
            if (CommandDescriptor.Find(arguments) is not { } command) return Result.Failure(UnknownCommand(first));
            options.Command = command.Command;
            maxArguments = command.MaxArguments;
            arguments = [.. arguments.Skip(command.Words)];
            if (arguments is [var word, ..] && !word.StartsWith('-') && command.FindSubCommands().Count > 0)
                return Result.Failure(UnknownSubCommand(command, word));
        }

        List<string> positional = [];
        var given = new GoFlagParser(IsBoolean, IsSecret, UnknownFlag).Parse(arguments, positional, maxArguments);
        if (!given.Ok) return Result.Failure(given.Error);
        if (positional.Count > 0) options.Argument = string.Join(' ', positional);
        // Help and version are printed even if other arguments are wrong.
        options.Help = IsRequested(given.Value, "help") || IsRequested(given.Value, HelpAlias);
        options.Version = IsRequested(given.Value, "version");
        if (options.Help || options.Version || options.Descriptor is { NeedsNoSettings: true }) return options;
        if (FindUnsupportedFlag(given.Value) is { } unsupportedFlag) return Result.Failure(unsupportedFlag);
        var unit = ParseFlags(installed.Arguments).WithErrorPrefix($"{installed.ArgumentsSource}: ");
        if (!unit.Ok) return Result.Failure(unit.Error);
        var read = new SettingReader(options, [
            SettingLayer.OfFlags(given.Value), SettingLayer.OfVariables(environment),
            SettingLayer.OfInstalledFlags(unit.Value, installed), SettingLayer.OfInstalledVariables(installed),
        ]).Read();
        if (!read.Ok) return Result.Failure(read.Error);
        if (environment.ContainsKey(ProgramFolders.ImageVariable)) UseHealthAddressOfImage(options);
        environment = installed.ApplyTo(environment);
        if (FindUnsupportedVariable(environment) is { } unsupportedVariable) return Result.Failure(unsupportedVariable);
        if (options is { EtcdUsername: not null, EtcdPassword: null, EtcdPasswordFile: null })
            options.EtcdPasswordFile = FindSystemdCredential(environment, "etcd-password");
        options.Warnings = [.. installed.Problems, .. OptionWarnings.Compose(options, environment)];
        return FindContradiction(options) is { } contradiction ? Result.Failure(contradiction) : options;
    }

    /// <summary>The options of <c>bugreport</c> on a host whose settings are invalid: its own flags, and the defaults. A report is needed
    /// there most.</summary>
    /// <param name="error">That of <see cref="Parse"/>.</param>
    /// <returns>Null for other commands, and if a flag of this process is wrong.</returns>
    public static DaemonOptions? ParseReport(IReadOnlyList<string> arguments, string error)
    {
        var parsed = Parse(arguments, new Dictionary<string, string>());
        if (!parsed.Ok || parsed.Value.Command != Command.BugReport) return null;
        parsed.Value.SettingsError = error;
        return parsed.Value;
    }

    /// <summary>Splits a command line without a command.</summary>
    public static Result<List<GivenFlag>> ParseFlags(IReadOnlyList<string> arguments) =>
        new GoFlagParser(IsBoolean, IsSecret, UnknownFlag).Parse(arguments, [], 0);

    private static bool IsRequested(IReadOnlyList<GivenFlag> given, string name) =>
        given.LastOrDefault(flag => flag.Name == name) is { } flag && (flag.Value is null || FlagValues.ParseBoolean(flag.Value) == true);

    /// <returns>Null for an unknown name.</returns>
    private static bool? IsBoolean(string name) =>
        name == HelpAlias ? true
            : Flags.All.FirstOrDefault(flag => flag.Name == name)?.IsBoolean
            ?? Flags.Unsupported.FirstOrDefault(flag => flag.Name == name)?.IsBoolean;

    private static bool IsSecret(string name) => Flags.All.Any(flag => flag.Name == name && flag.IsSecret);

    private static string? FindUnsupportedFlag(IReadOnlyList<GivenFlag> given)
    {
        foreach (var (name, value) in given)
        {
            if (Flags.Unsupported.FirstOrDefault(flag => flag.Name == name) is { } unsupported && !unsupported.IsWithoutEffect(value))
                return $"--{name} is not supported: {unsupported.Reason}";
        }

        return null;
    }

    private static string? FindUnsupportedVariable(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var unsupported in Flags.Unsupported)
        {
            if (environment.TryGetValue(unsupported.EnvironmentName, out var value) && !unsupported.IsWithoutEffect(value))
                return $"{unsupported.EnvironmentName} is not supported: {unsupported.Reason}";
        }

        return null;
    }

    /// <summary>In our container images the health server listens for this host only. With a port of the operator the address is upstream's
    /// default: upstream's <c>kube-flannel.yml</c> gives the port alone, and the kubelet connects to the address of the node.</summary>
    private static void UseHealthAddressOfImage(DaemonOptions options)
    {
        if (IsGiven("healthz-port")) return;
        options.HealthzPort = OptionDefaults.ImageHealthzPort;
        if (!IsGiven("healthz-ip")) options.HealthzIp = IPAddress.Loopback;

        bool IsGiven(string flag) => options.Sources.Any(source => source.Name == $"--{flag}");
    }

    /// <summary>The file of a unit's <c>LoadCredential=</c> or <c>LoadCredentialEncrypted=</c> (systemd.exec(5)); null without
    /// one.</summary>
    private static string? FindSystemdCredential(IReadOnlyDictionary<string, string> environment, string name)
    {
        if (environment.GetValueOrDefault("CREDENTIALS_DIRECTORY") is not { Length: > 0 } folder) return null;
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? path : null;
    }

    /// <summary>Flags that are valid alone and not together; null without a contradiction.</summary>
    private static string? FindContradiction(DaemonOptions options)
    {
        if (options.Descriptor is { NeedsNoSettings: false, Argument: [not '[', ..] form, Name: var name } && options.Argument is null)
            return $"'flanneld {name}' needs {form}: see flanneld help {name}";
        // Otherwise the command would make its changes.
        if (options is { DryRun: true, Command: not (Command.Run or Command.ConfigSet) })
            return $"'flanneld {CommandDescriptor.NameOf(options.Command)}' has no dry run: omit --dry-run (FLANNELD_DRY_RUN)";
        if (options is { IsWatch: true, HasRouteSelection: true }) return "--watch deletes nothing: omit it, or the flags that delete";
        return options.IsKubeSubnetManager ? null : FindEtcdContradiction(options);
    }

    private static string? FindEtcdContradiction(DaemonOptions options)
    {
        if (options.EtcdPassword is not null && options.EtcdPasswordFile is not null)
            return "a password and --etcd-password-file are both given: omit one";
        if (!options.IsEtcdTls && (options.EtcdCaFile ?? options.EtcdCertFile) is not null)
            return "certificates for etcd are given, but --etcd-endpoints are http://: use https://";
        // The file is read later; a placeholder replaces its content here.
        return options.CreateEtcdOptions(options.EtcdPasswordFile is null ? options.EtcdPassword : new Secret("?")).Error;
    }

    private static string UnknownFlag(string name)
    {
        // -ppassword is the form of other programs.
        if (Flags.All.FirstOrDefault(flag => flag.IsSecret && name.StartsWith(flag.Name, StringComparison.Ordinal)) is { } secret)
        {
            return $"unknown flag that begins with --{secret.Name} (not shown, because it may hold a secret):"
                + $" use --{secret.Name}=VALUE";
        }

        return Suggestion.For(name, Flags.All.Where(flag => !flag.IsHidden).Select(flag => flag.Name)) is { } nearest
            ? $"unknown flag --{Redaction.Value(name)}: did you mean --{nearest}?"
            : $"unknown flag --{Redaction.Value(name)}: see --help";
    }

    private static string UnknownCommand(string text) =>
        Suggestion.For(text, CommandDescriptor.All.Select(command => command.Name)) is { } nearest
            ? $"unknown command '{Redaction.Value(text)}': did you mean {nearest}?"
            : $"unknown command '{Redaction.Value(text)}': see --help";

    private static string UnknownSubCommand(CommandDescriptor command, string text)
    {
        var unknown = $"unknown command '{command.Name} {Redaction.Value(text)}'";
        return Suggestion.For(text, command.FindSubCommands().Select(sub => sub.Name[(command.Name.Length + 1)..])) is { } nearest
            ? $"{unknown}: did you mean '{command.Name} {nearest}'?"
            : $"{unknown}: see flanneld {command.Name} --help";
    }
}
