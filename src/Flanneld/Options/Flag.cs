namespace Flanneld.Options;

/// <summary>One flag: its name, what <c>--help</c> says of it, and how its text is read. The environment's <c>FLANNELD_…</c> goes the same way.</summary>
/// <param name="Name">As upstream spells it, without dashes.</param>
/// <param name="Group">The heading under which <c>--help</c> lists it.</param>
/// <param name="Argument">What stands for the value in <c>--help</c>; empty for a boolean.</param>
/// <param name="Default">Shown in <c>--help</c>; empty for none.</param>
/// <param name="Read">Takes a text that is not empty into the options; returns null, or the rest of a line that begins with the flag's
/// name.</param>
internal sealed record Flag(
    string Name, string Group, string Argument, string Default, string Help, Func<DaemonOptions, string, string?> Read)
{
    public bool IsBoolean => Argument.Length == 0;

    public bool IsRepeatable { get; init; }

    /// <summary>Its value must not be shown, not even in a message about the value.</summary>
    public bool IsSecret { get; init; }

    /// <summary>Asks for a text to be printed, once: no setting, and no variable.</summary>
    public bool IsRequest { get; init; }

    /// <summary>An empty value is a value; of every other flag it means that the flag is not given.</summary>
    public bool TakesEmpty { get; init; }

    public bool HasVariable => Only is null && !IsRequest;

    /// <summary>The one command that it belongs to; null when it is for all. Such a flag has no variable: it is for a person who types it.</summary>
    public Command? Only { get; init; }

    public const string EnvironmentPrefix = "FLANNELD_";

    public string EnvironmentName => EnvironmentPrefix + Name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>A flag of upstream whose feature is absent: known by name, refused with the reason unless its value asks for nothing.</summary>
/// <param name="Harmless">Values that upstream has by default, or that switch the feature off.</param>
internal sealed record RefusedFlag(string Name, bool IsBoolean, string Reason, params IReadOnlyList<string> Harmless)
{
    public string EnvironmentName => Flag.EnvironmentPrefix + Name.ToUpperInvariant().Replace('-', '_');

    /// <param name="value">Null for a boolean without a value.</param>
    public bool AsksForNothing(string? value)
    {
        var text = value is null && IsBoolean ? "true" : value?.Trim() ?? "";
        if (text.Length == 0) return true;
        if (!IsBoolean) return Harmless.Contains(text);
        return FlagValues.ParseBoolean(text) is { } boolean && Harmless.Contains(boolean ? "true" : "false");
    }
}
