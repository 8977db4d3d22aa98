using System.CommandLine;
using Flannel.Core;

namespace Flanneld.Options;

/// <summary>What the command line came to: options, or one line for stderr and exit code 2.</summary>
internal readonly record struct CommandLineResult(DaemonOptions? Options, string Error);

/// <summary>Go-style flags (<c>-x v</c>, <c>--x v</c>, <c>-x=v</c>, <c>--x=v</c>) through System.CommandLine, then <c>FLANNELD_…</c> for what was not given.</summary>
internal static class CommandLine
{
    /// <summary>What the unit puts behind the program's name: flags already.</summary>
    private const string UnitOptions = "FLANNELD_OPTIONS";

    public static CommandLineResult Parse(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        // System.CommandLine says only "unrecognized"; the reason is better than a list of guesses.
        foreach (var argument in arguments)
        {
            if (argument == "--") break;
            if (FindRefused(argument) is { } refused) return Refuse($"--{refused.Name} is not supported: {refused.Reason}");
        }

        var result = new DaemonOptions();
        if (arguments is [var first, ..] && !first.StartsWith('-'))
        {
            if (CommandWord.All.FirstOrDefault(word => word.Name == first) is not { } word) return Refuse(UnknownCommand(first));
            result.Command = word.Command;
            arguments = [.. arguments.Skip(1)];
        }

        var root = new RootCommand();
        root.Options.Clear();
        var options = Flags.All.ToDictionary(flag => flag, Option);
        foreach (var option in options.Values) root.Options.Add(option);
        var parsed = root.Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.UnmatchedTokens is [var unknown, ..]) return Refuse(Unknown(unknown));

        foreach (var (flag, option) in options)
        {
            var given = parsed.GetResult(option) is { Implicit: false } ? Values(parsed, flag, option) : null;
            if (given is not null && flag.Only is { } only && only != result.Command)
                return Refuse($"--{flag.Name} belongs to 'flanneld {CommandWord.All.First(word => word.Command == only).Name}'");
            if (given is [] && !flag.IsBoolean) return Refuse($"--{flag.Name} needs a value: --{flag.Name}={flag.Argument}");
            if (given is not null)
            {
                foreach (var value in given)
                {
                    if (flag.Read(result, value) is { } form) return Refuse(Bad($"--{flag.Name}", flag, value, form));
                }

                result.IsPasswordOnCommandLine |= flag.IsSecret && result.EtcdPassword is not null;
            }
            else if (flag.Only is null && environment.GetValueOrDefault(flag.EnvironmentName) is { Length: > 0 } variable
                && flag.Read(result, variable) is { } form)
            {
                return Refuse(Bad(flag.EnvironmentName, flag, variable, form));
            }
        }

        if (parsed.Errors is [var error, ..]) return Refuse(OneLine(error.Message));
        if (result.Help || result.Version) return new CommandLineResult(result, "");
        if (result is { EtcdUsername: not null, EtcdPassword: null, EtcdPasswordFile: null }) result.EtcdPasswordFile = SystemdCredential(environment, "etcd-password");
        result.UnknownVariables = UnknownVariables(environment);
        return Refused(environment) is { } line ? Refuse(line) : Together(result) is { } wrong ? Refuse(wrong) : new CommandLineResult(result, "");
    }

    private static Option<string[]> Option(Flag flag)
    {
        var option = new Option<string[]>("--" + flag.Name, "-" + flag.Name)
        {
            // Every flag may be given again and the last one counts, as with Go's flags.
            Arity = new ArgumentArity(0, 100_000),
            AllowMultipleArgumentsPerToken = false,
        };
        if (flag.Name == "help") option.Aliases.Add("-h");
        return option;
    }

    private static string[] Values(ParseResult parsed, Flag flag, Option<string[]> option)
    {
        var values = parsed.GetValue(option) ?? [];
        if (flag.IsBoolean && values.Length == 0) return ["true"];
        return flag.IsRepeatable || values.Length < 2 ? values : [values[^1]];
    }

    private static RefusedFlag? FindRefused(string argument)
    {
        if (!argument.StartsWith('-')) return null;
        var name = argument.TrimStart('-').Split('=')[0];
        return Flags.Refused.FirstOrDefault(r => r.Name == name);
    }

    private static string? Refused(IReadOnlyDictionary<string, string> environment)
    {
        foreach (var refused in Flags.Refused)
        {
            var name = Flag.EnvironmentPrefix + refused.Name.ToUpperInvariant().Replace('-', '_');
            if (environment.GetValueOrDefault(name) is { Length: > 0 }) return $"{name} is not supported: {refused.Reason}";
        }

        return null;
    }

    /// <summary>No reason to end: Kubernetes makes such names of a Service's, too.</summary>
    private static IReadOnlyList<string> UnknownVariables(IReadOnlyDictionary<string, string> environment)
    {
        var known = Flags.All.Where(flag => flag.Only is null).Select(flag => flag.EnvironmentName).ToHashSet(StringComparer.Ordinal);
        return [.. environment.Keys.Where(name => name.StartsWith(Flag.EnvironmentPrefix, StringComparison.Ordinal) && name != UnitOptions && !known.Contains(name)).Order(StringComparer.Ordinal)
            .Select(name => Nearest(name, known) is { } nearest ? $"{Shorten(name)} is no setting and is not looked at: did you mean {nearest}?" : $"{Shorten(name)} is no setting and is not looked at: see --help")];
    }

    /// <summary>Where a unit's <c>LoadCredential=</c> or <c>LoadCredentialEncrypted=</c> has put it (systemd.exec(5)); null where it has not.</summary>
    private static string? SystemdCredential(IReadOnlyDictionary<string, string> environment, string name) =>
        environment.GetValueOrDefault("CREDENTIALS_DIRECTORY") is { Length: > 0 } folder && Path.Combine(folder, name) is var path && File.Exists(path) ? path : null;

    /// <summary>What is wrong with flags that go together; null if nothing is.</summary>
    private static string? Together(DaemonOptions options)
    {
        // Who asks for a dry run must not get a real one.
        if (options is { DryRun: true, Command: not Command.Run })
            return $"'flanneld {CommandWord.All.First(word => word.Command == options.Command).Name}' has no dry run: drop --dry-run (FLANNELD_DRY_RUN)";
        if (options.EtcdPassword is not null && options.EtcdPasswordFile is not null)
            return "a password and --etcd-password-file are both given: drop one";
        if (!options.EtcdEndpoints.Contains("https://", StringComparison.OrdinalIgnoreCase) && (options.EtcdCaFile ?? options.EtcdCertFile) is not null)
            return "certificates for etcd are given, but --etcd-endpoints are http://: write https://";
        return options.CreateEtcdOptions(options.EtcdPasswordFile is null ? options.EtcdPassword : new Secret("?"), out var error) is null ? error : null;
    }

    private static string Unknown(string token)
    {
        if (!token.StartsWith('-')) return $"unexpected argument '{Shorten(token)}': after the command flanneld takes only flags, see --help";
        var name = token.TrimStart('-').Split('=')[0];
        return Nearest(name, Flags.All.Select(flag => flag.Name)) is { } nearest
            ? $"unknown flag --{Shorten(name)}: did you mean --{nearest}?"
            : $"unknown flag --{Shorten(name)}: see --help";
    }

    private static string UnknownCommand(string text) => Nearest(text, CommandWord.All.Select(word => word.Name)) is { } nearest
        ? $"unknown command '{Shorten(text)}': did you mean {nearest}?"
        : $"unknown command '{Shorten(text)}': see --help";

    private static string? Nearest(string name, IEnumerable<string> known) =>
        known.MinBy(other => Distance(other, name)) is { } nearest && Distance(nearest, name) <= Math.Max(2, name.Length / 4) ? nearest : null;

    private static string Bad(string source, Flag flag, string value, string form) =>
        flag.IsSecret || IsWithUser(value) ? $"{source} must be {form}" : $"{source} is '{Shorten(value)}', and must be {form}";

    /// <summary>An address with a user in it mostly has a password there, too.</summary>
    private static bool IsWithUser(string value) => value.Contains("://", StringComparison.Ordinal) && value.Contains('@');

    private static string Shorten(string text) => OneLine(text.Length <= 80 ? text : text[..77] + "...");

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");

    private static CommandLineResult Refuse(string error) => new(null, error);

    /// <summary>How many letters must be added, dropped or changed to make one name of the other.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
