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
/// <param name="Subject">What was checked, such as <c>metadata</c>.</param>
/// <param name="Detail">One line without a secret.</param>
internal sealed record CheckResult(string Subject, CheckState State, string Detail)
{
    /// <summary>What to do; empty for nothing.</summary>
    public string Advice { get; init; } = "";

    /// <summary>Further details, one line each.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    public static CheckResult Ok(string subject, string detail) => new(subject, CheckState.Ok, detail);

    public static CheckResult Note(string subject, string detail) => new(subject, CheckState.Note, detail);

    public static CheckResult Unknown(string subject, string detail) => new(subject, CheckState.Unknown, detail);

    public static CheckResult Warning(string subject, string detail, string advice) =>
        new(subject, CheckState.Warning, detail) { Advice = advice };

    public static CheckResult Problem(string subject, string detail, string advice) =>
        new(subject, CheckState.Problem, detail) { Advice = advice };
}
