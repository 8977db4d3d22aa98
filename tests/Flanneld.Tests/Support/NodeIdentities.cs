using Flannel.AliCloud.Metadata;
using Flannel.Core;
using Flannel.Core.Addresses;
using Flanneld.Node;

namespace Flanneld.Tests.Support;

/// <summary>A host that is not an ECS instance.</summary>
internal sealed class NoIdentity : INodeIdentity
{
    public InstanceIdentity? Current => null;

    public Task<Result<InstanceIdentity>> ReadAsync() => Task.FromResult<Result<InstanceIdentity>>(Result.Failure("not requested"));
}

/// <summary>An instance whose metadata service responds at once.</summary>
/// <param name="other">Null for <see cref="Value"/>.</param>
internal sealed class KnownIdentity(InstanceIdentity? other = null) : INodeIdentity
{
    public static readonly InstanceIdentity Value = new(
        "cn-hangzhou", "cn-hangzhou-h", "i-1", "vpc-1", "vsw-1", "00:16:3e:00:00:01", "eni-1", true,
        [Ipv4Address.Parse("192.168.1.11")]);

    public InstanceIdentity? Current { get; private set; }

    public Task<Result<InstanceIdentity>> ReadAsync() => Task.FromResult<Result<InstanceIdentity>>(Current = other ?? Value);
}

/// <summary>An instance whose metadata service responds only after <see cref="Respond"/>.</summary>
internal sealed class PendingIdentity : INodeIdentity
{
    private readonly TaskCompletionSource<Result<InstanceIdentity>> response = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource requested = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public InstanceIdentity? Current { get; private set; }

    /// <summary>Completes with the first request.</summary>
    public Task Requested => requested.Task;

    public Task<Result<InstanceIdentity>> ReadAsync()
    {
        requested.TrySetResult();
        return response.Task;
    }

    public void Respond() => response.SetResult(Current = KnownIdentity.Value);
}
