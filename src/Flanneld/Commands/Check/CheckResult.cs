namespace Flanneld.Commands.Check;

internal enum CheckState
{
    Ok,

    /// <summary>Information; nothing is wrong.</summary>
    Note,

    /// <summary>Not checked, because of a problem that another result names.</summary>
    Unknown,

    /// <summary>The daemon works, and something is degraded or will fail.</summary>
    Warning,

    /// <summary>The daemon does not work.</summary>
    Problem,
}

/// <summary>The result of one check.</summary>
/// <param name="Detail">One line without a secret.</param>
internal sealed record CheckResult(CheckKind Kind, CheckState State, string Detail)
{
    /// <summary>What was checked, for people.</summary>
    public string Subject => Kind.Subject;

    /// <summary>What to do; empty for nothing.</summary>
    public string Advice { get; init; } = "";

    /// <summary>Further details, one line each.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    public static CheckResult Ok(CheckKind kind, string detail) => new(kind, CheckState.Ok, detail);

    public static CheckResult Note(CheckKind kind, string detail) => new(kind, CheckState.Note, detail);

    public static CheckResult Unknown(CheckKind kind, string detail) => new(kind, CheckState.Unknown, detail);

    public static CheckResult Warning(CheckKind kind, string detail, string advice) =>
        new(kind, CheckState.Warning, detail) { Advice = advice };

    public static CheckResult Problem(CheckKind kind, string detail, string advice) =>
        new(kind, CheckState.Problem, detail) { Advice = advice };
}
