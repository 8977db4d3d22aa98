using AliCloud.Simulator.Api;

namespace AliCloud.Simulator.Observing;

/// <summary>What goes wrong with calls that match. A fault meets only calls that are signed and spelt correctly.</summary>
public sealed record Fault
{
    /// <summary>Given by the simulator.</summary>
    public string Id { get; init; } = "";

    /// <summary><c>vpc</c>, <c>ecs</c>, <c>metadata</c> or <c>*</c>.</summary>
    public string Service { get; init; } = "*";

    /// <summary>An action, or its beginning and <c>*</c>.</summary>
    public string Action { get; init; } = "*";

    /// <summary>How often it happens; -1 for ever.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Only calls whose list <c>RouteEntries</c> has more entries than this; 0 for every call.</summary>
    public int EntriesBeyond { get; init; }

    /// <summary>How many matching calls pass unharmed first.</summary>
    public int Skip { get; init; }

    public double Probability { get; init; } = 1;
    public required FaultKind Kind { get; init; }

    /// <summary>The error code; needed for <see cref="FaultKind.Code"/>.</summary>
    public string? Code { get; init; }

    public int HttpStatus { get; init; } = 400;
    public string Message { get; init; } = "A fault that the test ordered.";

    /// <summary>The whole body for <see cref="FaultKind.Status"/>; null for a page in HTML. One that begins with <c>&lt;?xml</c> is sent as XML.</summary>
    public string? Body { get; init; }
    public int DelayMilliseconds { get; init; }

    /// <summary>Put on the answer, whatever it is.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();
}

public enum FaultKind
{
    /// <summary>Not done; an error of the API.</summary>
    Code,

    /// <summary>Done, after the delay.</summary>
    Delay,

    /// <summary>Done at once; the answer is held back for the delay.</summary>
    TimeoutAfterSuccess,

    /// <summary>Not done; the connection is reset.</summary>
    DropConnection,

    /// <summary>Done; the connection is reset.</summary>
    DropAfterSuccess,

    /// <summary>Not done; an HTTP status with a body that is not of the API, as a proxy or a broken gateway sends it.</summary>
    Status,
}
