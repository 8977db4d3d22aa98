using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>A request as it is sent to one member.</summary>
/// <param name="Operation">For metrics.</param>
/// <param name="Call">Gets the member, the options, and the limit for the response. The options of a stream live longer than the
/// limit.</param>
internal sealed record MemberAttempt<T>(EtcdOperation Operation, Func<Member, CallOptions, CancellationToken, Task<T>> Call)
{
    /// <summary>A request that may have been executed may be sent again.</summary>
    public bool IsRepeatable { get; init; }

    public bool IsStream { get; init; }

    /// <summary>For the response of each member.</summary>
    public TimeSpan CallLimit { get; init; } = EtcdDurations.Call;
}

/// <summary>The outcome of a request to one member.</summary>
/// <param name="Response">Only if <paramref name="Failed"/> is null.</param>
internal readonly record struct MemberResult<T>(T? Response, FailedAttempt? Failed);

/// <param name="Token">The token that was used; null for none.</param>
/// <param name="MayHaveHappened">The request was sent, may have been executed, and must not be sent again.</param>
internal sealed record FailedAttempt(MemberFailure Failure, string? Token, bool MayHaveHappened);
