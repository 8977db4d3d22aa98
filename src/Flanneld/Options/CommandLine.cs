using Flannel.Core;

namespace Flanneld.Options;

/// <summary>Reads the flags as Go's package flag does, then <c>FLANNELD_…</c> for flags that are not given.</summary>
internal static class CommandLine
{
    private const string HelpAlias = "h";

    /// <returns>The options, or one line for stderr; the exit code is then 2.</returns>
    public static Result<DaemonOptions> Parse(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var options = new DaemonOptions();
        if (arguments is [var first, ..] && !first.StartsWith('-'))
        {
            if (CommandDescriptor.All.FirstOrDefault(command => command.Name == first) is not { } command)
                return Result.Failure(UnknownCommand(first));
            options.Command = command.Command;
            arguments = [.. arguments.Skip(1)];
        }

        var given = new GoFlagParser(IsBoolean, IsSecret, UnknownFlag).Parse(arguments);
        if (!given.Ok) return Result.Failure(given.Error);
        // Help and version are printed even if other arguments are wrong.
        options.Help = IsRequested(given.Value, "help") || IsRequested(given.Value, HelpAlias);
        options.Version = IsRequested(given.Value, "version");
        if (options.Help || options.Version) return options;
        if (FindUnsupportedFlag(given.Value) is { } unsupportedFlag) return Result.Failure(unsupportedFlag);
        var read = Read(options, given.Value, environment);
        if (!read.Ok) return Result.Failure(read.Error);
        if (FindUnsupportedVariable(environment) is { } unsupportedVariable) return Result.Failure(unsupportedVariable);
        if (options is { EtcdUsername: not null, EtcdPassword: null, EtcdPasswordFile: null })
            options.EtcdPasswordFile = FindSystemdCredential(environment, "etcd-password");
        options.Warnings = OptionWarnings.Compose(options, environment);
        return FindContradiction(options) is { } contradiction ? Result.Failure(contradiction) : options;
    }

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

    private static Result<Unit> Read(
        DaemonOptions options, IReadOnlyList<GivenFlag> given, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var flag in Flags.All)
        {
            var values = given.Where(other => other.Name == flag.Name).ToList();
            var read = values.Count > 0 ? ReadFlag(options, flag, values) : ReadVariable(options, flag, environment);
            if (!read.Ok) return read;
        }

        return Unit.Instance;
    }

    private static Result<Unit> ReadFlag(DaemonOptions options, Flag flag, List<GivenFlag> values)
    {
        if (flag.Only is { } only && only != options.Command)
            return Result.Failure($"{flag.ShownName} is a flag of 'flanneld {CommandDescriptor.NameOf(only)}'");
        // The last value of a flag is used, as in Go.
        foreach (var (_, text) in flag.IsRepeatable ? values : values.TakeLast(1))
        {
            var value = Trim(flag, text ?? "true");
            if (value.Length == 0 && !flag.TakesEmpty) continue;
            var read = ReadValue(options, flag, value);
            if (!read.Ok) return read.WithErrorPrefix($"{flag.ShownName}: ");
            options.IsPasswordOnCommandLine |= flag.IsSecret && options.EtcdPassword is not null;
        }

        return Unit.Instance;
    }

    private static Result<Unit> ReadVariable(DaemonOptions options, Flag flag, IReadOnlyDictionary<string, string> environment)
    {
        if (!flag.HasVariable || !environment.TryGetValue(flag.EnvironmentName, out var variable)) return Unit.Instance;
        return Trim(flag, variable) is { Length: > 0 } value
            ? ReadValue(options, flag, value).WithErrorPrefix($"{flag.EnvironmentName}: ")
            : Unit.Instance;
    }

    /// <summary>Shells and systemd remove quotation marks; docker's --env-file and Kubernetes keep them.</summary>
    private static Result<Unit> ReadValue(DaemonOptions options, Flag flag, string value) =>
        !flag.IsSecret && value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0]
            ? Result.Failure("the value is in quotation marks; remove them")
            : flag.Read(options, value);

    /// <summary>Files with Windows line ends leave a CR after each value, and editors leave blanks. A password may begin or end with
    /// blanks, also one that follows a user name.</summary>
    private static string Trim(Flag flag, string value) => flag.IsSecret ? value.TrimEnd('\r', '\n') : value.Trim();

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
        // Otherwise the command would make its changes.
        if (options is { DryRun: true, Command: not Command.Run })
            return $"'flanneld {CommandDescriptor.NameOf(options.Command)}' has no dry run: omit --dry-run (FLANNELD_DRY_RUN)";
        if (options.EtcdPassword is not null && options.EtcdPasswordFile is not null)
            return "a password and --etcd-password-file are both given: omit one";
        var isTls = options.EtcdEndpoints.Contains("https://", StringComparison.OrdinalIgnoreCase);
        if (!isTls && (options.EtcdCaFile ?? options.EtcdCertFile) is not null)
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

        return Suggestion.For(name, Flags.All.Select(flag => flag.Name)) is { } nearest
            ? $"unknown flag --{Redaction.Value(name)}: did you mean --{nearest}?"
            : $"unknown flag --{Redaction.Value(name)}: see --help";
    }

    private static string UnknownCommand(string text) =>
        Suggestion.For(text, CommandDescriptor.All.Select(command => command.Name)) is { } nearest
            ? $"unknown command '{Redaction.Value(text)}': did you mean {nearest}?"
            : $"unknown command '{Redaction.Value(text)}': see --help";
}
