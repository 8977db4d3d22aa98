using Flannel.Core;

namespace Flanneld.Options;

/// <summary>One flag of the command line.</summary>
/// <param name="Value">Null for a boolean without a value.</param>
internal sealed record GivenFlag(string Name, string? Value);

/// <summary>Splits a command line as Go's package flag does: one dash or two, <c>-name=value</c> or <c>-name value</c>; a boolean takes a
/// value only after <c>=</c>. Go ignores everything from the first argument that is not a flag; here that is an error, because flags may be
/// among the ignored arguments.</summary>
/// <param name="isBoolean">Null for an unknown name.</param>
/// <param name="isSecret">Whether the value of a flag must not be shown.</param>
/// <param name="unknown">The error for an unknown name.</param>
internal sealed class GoFlagParser(Func<string, bool?> isBoolean, Func<string, bool> isSecret, Func<string, string> unknown)
{
    private const string Terminator = "--";

    /// <summary>Dashes that word processors and web pages write in place of "-".</summary>
    private static readonly char[] OtherDashes = ['\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212'];

    /// <summary>The flags in their order.</summary>
    /// <param name="positional">Receives the arguments that are not flags, before, between or after them; <c>-</c> is one of
    /// them.</param>
    /// <param name="maxPositional">How many of them the command takes.</param>
    public Result<List<GivenFlag>> Parse(IReadOnlyList<string> arguments, List<string> positional, int maxPositional)
    {
        var flags = new List<GivenFlag>();
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            if (argument == Terminator)
            {
                if (i == arguments.Count - 1) break;
                return Result.Failure("arguments after '--' are not flags and would be ignored: remove '--'");
            }

            if (argument.Length < 2 || argument[0] != '-')
            {
                if (argument.Length == 0 || positional.Count == maxPositional) return Result.Failure(DescribePositional(argument, flags));
                positional.Add(argument);
                continue;
            }

            var name = argument[(argument[1] == '-' ? 2 : 1)..];
            if (name[0] is '-' or '=')
            {
                return Result.Failure(
                    $"bad flag syntax '{Redaction.Value(argument)}': write one dash or two, then the flag's name");
            }

            var equals = name.IndexOf('=');
            var value = equals < 0 ? null : name[(equals + 1)..];
            if (equals >= 0) name = name[..equals];
            if (isBoolean(name) is not { } boolean) return Result.Failure(unknown(name));
            if (value is null && !boolean)
            {
                if (++i == arguments.Count) return Result.Failure($"--{name} needs a value: --{name}=VALUE");
                value = arguments[i];
            }

            flags.Add(new GivenFlag(name, value));
        }

        return flags;
    }

    private string DescribePositional(string argument, List<GivenFlag> before)
    {
        // It may be the second half of a password that contains a blank.
        if (before.Any(flag => isSecret(flag.Name)))
            return "unexpected argument (not shown, because a secret is on this command line): see --help";
        var quoted = $"unexpected argument '{Redaction.Value(argument)}'";
        if (argument.TrimStart(OtherDashes) is var name && name != argument && isBoolean(name.Split('=')[0].TrimStart('-')) is not null)
            return $"{quoted}: its dash is not the character '-'";
        if (CommandDescriptor.All.Any(command => command.Name == argument))
            return $"the command must be the first argument: flanneld {argument} [flags]";
        return before is [.., { Value: null, Name: var boolean }]
            ? $"{quoted}: the value of --{boolean} is written --{boolean}=VALUE"
            : $"{quoted}: after the command flanneld takes only flags, see --help";
    }
}
