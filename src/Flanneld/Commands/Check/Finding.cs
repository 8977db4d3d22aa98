namespace Flanneld.Commands.Check;

internal enum FindingState
{
    Ok,

    /// <summary>Worth knowing; nothing is wrong.</summary>
    Note,

    /// <summary>The daemon works, and something will go badly, or works less well.</summary>
    Warning,

    /// <summary>The daemon does not work like this.</summary>
    Problem,
}

/// <summary>One line of the preflight.</summary>
/// <param name="Subject">What was looked at, such as <c>metadata</c>.</param>
/// <param name="Detail">What was found. One line, without a secret.</param>
internal sealed record Finding(string Subject, FindingState State, string Detail)
{
    /// <summary>What to do; empty for nothing.</summary>
    public string Advice { get; init; } = "";

    /// <summary>More of it, a line each.</summary>
    public IReadOnlyList<string> Lines { get; init; } = [];

    public static Finding Ok(string subject, string detail) => new(subject, FindingState.Ok, detail);

    public static Finding Note(string subject, string detail) => new(subject, FindingState.Note, detail);

    public static Finding Warning(string subject, string detail, string advice) => new(subject, FindingState.Warning, detail) { Advice = advice };

    public static Finding Problem(string subject, string detail, string advice) => new(subject, FindingState.Problem, detail) { Advice = advice };
}
