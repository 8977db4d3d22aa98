namespace AliCloud.Simulator.Observing;

/// <summary>A fault of matching calls. It applies only to calls that are signed and spelled correctly.</summary>
public sealed record Fault
{
    /// <summary>Assigned by the simulator.</summary>
    public string Id { get; init; } = "";

    /// <summary><c>vpc</c>, <c>ecs</c>, <c>metadata</c> or <c>*</c>.</summary>
    public string Service { get; init; } = "*";

    /// <summary>An action, or a prefix and <c>*</c>.</summary>
    public string Action { get; init; } = "*";

    /// <summary>How often it applies; -1 for always.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Only calls whose list <c>RouteEntries</c> has more entries than this; 0 for every call.</summary>
    public int EntriesBeyond { get; init; }

    /// <summary>How many matching calls are not affected first.</summary>
    public int Skip { get; init; }

    public double Probability { get; init; } = 1;
    public required FaultKind Kind { get; init; }

    /// <summary>The error code; required for <see cref="FaultKind.Code"/>.</summary>
    public string? Code { get; init; }

    public int HttpStatus { get; init; } = 400;
    public string Message { get; init; } = "An injected fault.";

    /// <summary>The complete body for <see cref="FaultKind.Status"/>; null for an HTML page. A body that begins with <c>&lt;?xml</c> is
    /// sent as XML.</summary>
    public string? Body { get; init; }
    public int DelayMilliseconds { get; init; }

    /// <summary>Added to the response of any kind.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}

public enum FaultKind
{
    /// <summary>The call is not executed; the response is an error of the API.</summary>
    Code,

    /// <summary>The call is executed after the delay.</summary>
    Delay,

    /// <summary>The call is executed at once; the response is sent after the delay.</summary>
    TimeoutAfterSuccess,

    /// <summary>The call is not executed; the connection is reset.</summary>
    DropConnection,

    /// <summary>The call is executed; the connection is reset.</summary>
    DropAfterSuccess,

    /// <summary>The call is not executed; the response has an HTTP status and a body that is not from the API, like that of a
    /// proxy.</summary>
    Status,
}
