namespace Flannel.AliCloud.Http;

/// <summary>What a call to the cloud came to: a value, or a classified error. Never an exception, except for cancellation by the caller.</summary>
public sealed record CloudResult<T>(T? Value, CloudError? Error, string RequestId) where T : class
{
    public bool Ok => Error is null;
}
