namespace AliCloud.Simulator.Api;

/// <summary>The outcome of a call.</summary>
internal abstract record ApiResult;

/// <summary>HTTP 200; <paramref name="Body"/> is serialized with its own names and a RequestId.</summary>
internal sealed record Done(object Body) : ApiResult
{
    public static readonly Done Nothing = new(new { });
}

/// <summary>A documented error, in the documented form.</summary>
internal sealed record ApiError(string Code, string Message, int Status = 400) : ApiResult
{
    public object? AccessDeniedDetail { get; init; }
}
