using Flannel.Core;

namespace Flannel.AliCloud.Http;

/// <summary>The outcome of a call: a value or a classified error. Calls throw only when their caller cancels them.</summary>
public sealed record CloudResult<T>(T? Value, CloudError? Error, string RequestId) where T : class
{
    public bool Ok => Error is null;
}

/// <summary>Creates and converts results.</summary>
internal static class CloudResult
{
    public static CloudResult<T> Success<T>(T value, string requestId) where T : class => new(value, null, requestId);

    public static CloudResult<T> Failed<T>(CloudError error) where T : class => new(null, error, error.RequestId);

    public static CloudResult<Unit> WithoutValue<T>(this CloudResult<T> result) where T : class =>
        new(result.Ok ? Unit.Instance : null, result.Error, result.RequestId);
}
