namespace Flanneld.Options;

/// <summary>One flag: its name, what <c>--help</c> says of it, and how its text is read. The environment's <c>FLANNELD_…</c> goes the same way.</summary>
/// <param name="Name">As upstream spells it, without dashes.</param>
/// <param name="Group">The heading under which <c>--help</c> lists it.</param>
/// <param name="Argument">What stands for the value in <c>--help</c>; empty for a boolean.</param>
/// <param name="Default">Shown in <c>--help</c>; empty for none.</param>
/// <param name="Read">Takes the text into the options; returns null, or what the value should have been.</param>
internal sealed record Flag(
    string Name, string Group, string Argument, string Default, string Help, Func<DaemonOptions, string, string?> Read)
{
    public bool IsBoolean => Argument.Length == 0;

    public bool IsRepeatable { get; init; }

    /// <summary>Its value must not be shown, not even in a message about the value.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The one command that it belongs to; null when it is for all. Such a flag has no variable: it is for a person who types it.</summary>
    public Command? Only { get; init; }

    public const string EnvironmentPrefix = "FLANNELD_";

    public string EnvironmentName => EnvironmentPrefix + Name.ToUpperInvariant().Replace('-', '_');
}

/// <summary>A flag of upstream that means nothing here: known by name, refused with the reason.</summary>
internal sealed record RefusedFlag(string Name, bool IsBoolean, string Reason);
