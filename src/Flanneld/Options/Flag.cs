using Flannel.Core;

namespace Flanneld.Options;

/// <summary>One flag: its name, its line in <c>--help</c>, and how its text is read. The environment variable <c>FLANNELD_…</c> is read
/// in the same way.</summary>
/// <param name="Name">As upstream spells it, without dashes.</param>
/// <param name="Group">The heading in <c>--help</c>.</param>
/// <param name="Argument">The placeholder of the value in <c>--help</c>; empty for a boolean.</param>
/// <param name="Default">Shown in <c>--help</c>; empty for none.</param>
/// <param name="Read">Stores a non-empty text in the options. The error does not name the flag.</param>
internal sealed record Flag(
    string Name, string Group, string Argument, string Default, string Help, Func<DaemonOptions, string, Result<Unit>> Read)
{
    public const string EnvironmentPrefix = "FLANNELD_";

    public bool IsBoolean => Argument.Length == 0;

    public bool IsRepeatable { get; init; }

    /// <summary>Its value must not be shown, not even in an error about the value.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The program prints a text and exits: the flag is not a setting and has no variable.</summary>
    public bool IsRequest { get; init; }

    /// <summary>It concerns one process, such as its log level: a command does not take it from the installed service.</summary>
    public bool IsOfProcess { get; init; }

    /// <summary>The name of a set of flags that replace each other: if this process has one of them, those of the installed service do not
    /// count. Null for a flag without alternatives.</summary>
    public string? Alternatives { get; init; }

    /// <summary>It names the members of etcd.</summary>
    public bool IsEtcdEndpoints { get; init; }

    /// <summary>It is for endpoints with https:// only.</summary>
    public bool NeedsEtcdTls { get; init; }

    /// <summary>An empty value is a value. For every other flag it means that the flag is not given.</summary>
    public bool TakesEmpty { get; init; }

    /// <summary>The commands that the flag belongs to; null for all. Such a flag has no variable: a person types it.</summary>
    public IReadOnlyList<Command>? Only { get; init; }

    /// <summary>It still works, and help and completions name its replacement only.</summary>
    public bool IsHidden { get; init; }

    public bool HasVariable => Only is null && !IsRequest;

    public string EnvironmentName => EnvironmentNameOf(Name);

    /// <summary>As in <c>--help</c> and in errors.</summary>
    public string ShownName => (Name.Length == 1 ? "-" : "--") + Name;

    /// <summary>A value that the flag accepted, without a secret.</summary>
    public string Show(string value) => Argument switch
    {
        _ when IsSecret => Redaction.Mask,
        "FILE" => Redaction.Path(value),
        "URLS" or "URL" => Redaction.Endpoints(value),
        "IP" => value,
        _ => Redaction.Value(value),
    };

    public static string EnvironmentNameOf(string name) => EnvironmentPrefix + name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>A flag of upstream whose feature this build does not have. It is accepted only with a value that has no effect.</summary>
/// <param name="Reason">Why this build does not have it, and what to do, for the error.</param>
/// <param name="WithoutEffect">Values that are upstream's default, or that switch the feature off.</param>
internal sealed record UnsupportedFlag(string Name, string Reason, params IReadOnlyList<string> WithoutEffect)
{
    /// <summary>Every boolean flag has no effect when it is false.</summary>
    public bool IsBoolean => WithoutEffect.Contains("false");

    public string EnvironmentName => Flag.EnvironmentNameOf(Name);

    /// <param name="value">Null for a boolean without a value.</param>
    public bool IsWithoutEffect(string? value)
    {
        var text = value is null && IsBoolean ? "true" : value?.Trim() ?? "";
        if (text.Length == 0) return true;
        if (!IsBoolean) return WithoutEffect.Contains(text);
        return FlagValues.ParseBoolean(text) is { } boolean && WithoutEffect.Contains(boolean ? "true" : "false");
    }
}
