namespace Flannel.RouteController.Execution;

/// <summary>When the next pass begins, as the execution of this one determines.</summary>
internal abstract record ExecutionResult
{
    /// <summary>The next pass begins at once.</summary>
    public sealed record Again : ExecutionResult;

    /// <summary>The next pass begins after a pause that the cloud needs or asks for.</summary>
    public sealed record After(TimeSpan Pause) : ExecutionResult;

    /// <summary>The write cannot be sent before the next deadline.</summary>
    public sealed record Blocked : ExecutionResult;

    /// <summary>Nothing is to be written.</summary>
    public sealed record NothingToWrite : ExecutionResult;
}
