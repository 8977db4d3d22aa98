using Flannel.Core;

namespace Flanneld.Options;

/// <summary>What the command line came to: options, or one line for stderr and exit code 2.</summary>
internal readonly record struct CommandLineResult(DaemonOptions? Options, string Error);

/// <summary>Reads the flags as Go's package flag does, then <c>FLANNELD_…</c> for what was not given.</summary>
internal static class CommandLine
{
    private const string HelpAlias = "h";

    public static CommandLineResult Parse(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var result = new DaemonOptions();
        if (arguments is [var first, ..] && !first.StartsWith('-'))
        {
            if (CommandDescriptor.All.FirstOrDefault(word => word.Name == first) is not { } word) return Refuse(UnknownCommand(first));
            result.Command = word.Command;
            arguments = [.. arguments.Skip(1)];
        }

        var given = new GoFlagParser(IsBoolean, IsSecret, UnknownFlag).Parse(arguments);
        if (given.Error is { } syntax) return Refuse(syntax);
        // Whoever asks for them gets them, whatever else is wrong.
        result.Help = IsRequested(given.Flags, "help") || IsRequested(given.Flags, HelpAlias);
        result.Version = IsRequested(given.Flags, "version");
        if (result.Help || result.Version) return new CommandLineResult(result, "");
        if ((RefusedFlagProblem(given.Flags) ?? Read(result, given.Flags, environment)) is { } problem) return Refuse(problem);
        if (RefusedVariableProblem(environment) is { } refused) return Refuse(refused);
        if (result is { EtcdUsername: not null, EtcdPassword: null, EtcdPasswordFile: null })
            result.EtcdPasswordFile = SystemdCredential(environment, "etcd-password");
        result.Warnings = OptionWarnings.Compose(result, environment);
        return Together(result) is { } wrong ? Refuse(wrong) : new CommandLineResult(result, "");
    }

    private static bool IsRequested(IReadOnlyList<GivenFlag> given, string name) =>
        given.LastOrDefault(flag => flag.Name == name) is { } flag && (flag.Value is null || FlagValues.ParseBoolean(flag.Value) == true);

    private static bool? IsBoolean(string name) =>
        name == HelpAlias ? true
            : Flags.All.FirstOrDefault(flag => flag.Name == name)?.IsBoolean
            ?? Flags.Refused.FirstOrDefault(flag => flag.Name == name)?.IsBoolean;

    private static bool IsSecret(string name) => Flags.All.Any(flag => flag.Name == name && flag.IsSecret);

    private static string? RefusedFlagProblem(IReadOnlyList<GivenFlag> given)
    {
        foreach (var (name, value) in given)
        {
            if (Flags.Refused.FirstOrDefault(flag => flag.Name == name) is { } refused && !refused.AsksForNothing(value))
                return $"--{name} is not supported: {refused.Reason}";
        }

        return null;
    }

    private static string? RefusedVariableProblem(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var refused in Flags.Refused)
        {
            if (environment.TryGetValue(refused.EnvironmentName, out var value) && !refused.AsksForNothing(value))
                return $"{refused.EnvironmentName} is not supported: {refused.Reason}";
        }

        return null;
    }

    private static string? Read(DaemonOptions result, IReadOnlyList<GivenFlag> given, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var flag in Flags.All)
        {
            var values = given.Where(other => other.Name == flag.Name).ToList();
            if (values.Count > 0 && flag.Only is { } only && only != result.Command)
                return $"--{flag.Name} belongs to 'flanneld {CommandDescriptor.All.First(word => word.Command == only).Name}'";
            // Of a flag that is given again the last one counts, as in Go.
            foreach (var (_, text) in flag.IsRepeatable ? values : values.TakeLast(1))
            {
                var value = Trim(flag, text ?? "true");
                if ((value.Length > 0 || flag.TakesEmpty) && ReadOne(result, flag, value) is { } problem) return $"--{flag.Name}{problem}";
                result.IsPasswordOnCommandLine |= flag.IsSecret && result.EtcdPassword is not null;
            }

            // A flag wins over its variable even where it is empty.
            if (values.Count > 0 || !flag.HasVariable || !environment.TryGetValue(flag.EnvironmentName, out var variable)) continue;
            if (Trim(flag, variable) is { Length: > 0 } content
                && ReadOne(result, flag, content) is { } variableProblem) return flag.EnvironmentName + variableProblem;
        }

        return null;
    }

    /// <summary>Shells and systemd take quotation marks away; docker's --env-file and Kubernetes keep them.</summary>
    private static string? ReadOne(DaemonOptions result, Flag flag, string value) =>
        !flag.IsSecret && value.Length > 1 && value[0] is '"' or '\'' && value[^1] == value[0]
            ? ": the value is in quotation marks; remove them"
            : flag.Read(result, value);

    /// <summary>A file with Windows line ends leaves a CR behind every value, and an editor blanks. A password may begin or end with
    /// blanks, also one that stands behind a user name.</summary>
    private static string Trim(Flag flag, string value) => flag.IsSecret ? value.TrimEnd('\r', '\n') : value.Trim();

    /// <summary>Where a unit's <c>LoadCredential=</c> or <c>LoadCredentialEncrypted=</c> has put it (systemd.exec(5)); null where it has not.</summary>
    private static string? SystemdCredential(IReadOnlyDictionary<string, string> environment, string name) =>
        environment.GetValueOrDefault("CREDENTIALS_DIRECTORY") is { Length: > 0 } folder && Path.Combine(folder, name) is var path
            && File.Exists(path)
            ? path
            : null;

    /// <summary>What is wrong with flags that go together; null if nothing is.</summary>
    private static string? Together(DaemonOptions options)
    {
        // Who asks for a dry run must not get a real one.
        if (options is { DryRun: true, Command: not Command.Run })
            return $"'flanneld {CommandDescriptor.All.First(word => word.Command == options.Command).Name}' has no dry run: drop --dry-run (FLANNELD_DRY_RUN)";
        if (options.EtcdPassword is not null && options.EtcdPasswordFile is not null)
            return "a password and --etcd-password-file are both given: drop one";
        if (!options.EtcdEndpoints.Contains("https://", StringComparison.OrdinalIgnoreCase) && (options.EtcdCaFile ?? options.EtcdCertFile) is not null)
            return "certificates for etcd are given, but --etcd-endpoints are http://: write https://";
        return options.CreateEtcdOptions(options.EtcdPasswordFile is null ? options.EtcdPassword : new Secret("?"), out var error) is null ? error : null;
    }

    private static string UnknownFlag(string name)
    {
        // -ppassword is how other programs take one.
        if (Flags.All.FirstOrDefault(flag => flag.IsSecret && name.StartsWith(flag.Name, StringComparison.Ordinal)) is { } secret)
            return $"unknown flag that begins with --{secret.Name} (not shown, as it may hold a secret): write --{secret.Name}=VALUE";
        return Suggestion.For(name, Flags.All.Select(flag => flag.Name)) is { } nearest
            ? $"unknown flag --{Redaction.Value(name)}: did you mean --{nearest}?"
            : $"unknown flag --{Redaction.Value(name)}: see --help";
    }

    private static string UnknownCommand(string text) => Suggestion.For(text, CommandDescriptor.All.Select(word => word.Name)) is { } nearest
        ? $"unknown command '{Redaction.Value(text)}': did you mean {nearest}?"
        : $"unknown command '{Redaction.Value(text)}': see --help";

    private static CommandLineResult Refuse(string error) => new(null, error);
}
