namespace AliCloud.Simulator.Api;

/// <summary>What a call comes to.</summary>
internal abstract record ApiAnswer;

/// <summary>HTTP 200; <paramref name="Body"/> is written with its own names and a RequestId.</summary>
internal sealed record Done(object Body) : ApiAnswer
{
    public static readonly Done Nothing = new(new { });
}

/// <summary>An error of the documents, in their body.</summary>
internal sealed record Refused(string Code, string Message, int Status = 400) : ApiAnswer
{
    public object? AccessDeniedDetail { get; init; }
}
