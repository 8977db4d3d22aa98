using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;
using Flanneld.Host;
using Flanneld.Observability.Prometheus;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>The result of comparing <c>subnet.env</c> with the <see cref="NodeState"/>.</summary>
/// <param name="IsCorrect">The file exists with the required content and mode.</param>
/// <param name="Detail">The path, or why the file does not exist. One line.</param>
internal sealed record SubnetFileCheck(bool IsCorrect, string Detail);

/// <summary>Writes or removes <c>subnet.env</c>. It reads the file each time and writes only what differs: a file that is correct needs
/// neither disk space nor write permission.</summary>
internal sealed class SubnetFileReconciler(ISubnetFile file, SubnetEnv subnetEnv, ILogger logger)
{
    private readonly byte[] expected = subnetEnv.ToBytes();
    private bool wasCorrect;
    private string? lastLogged;

    /// <summary>Counts the restorations of the file.</summary>
    public Counter Rewrites { get; init; } = new();

    private string ShownPath => Redaction.Path(file.Path);

    /// <param name="reason">Why the subnet may not be used; ignored while it may be used.</param>
    public SubnetFileCheck Reconcile(SubnetUse use, string reason) => use switch
    {
        SubnetUse.Allowed => EnsureWritten(),
        SubnetUse.Undecided => RemoveUnlessOwn(),
        _ => EnsureRemoved(reason),
    };

    private SubnetFileCheck EnsureWritten()
    {
        var found = file.Read();
        if (found is SubnetFileState.Present { HasExpectedMode: true } present && present.Content.AsSpan().SequenceEqual(expected))
            return Correct();
        var result = file.Write(subnetEnv);
        if (!result.Ok) return Fail(result.Error);
        if (wasCorrect) LogRewrite(found);
        return Correct();
    }

    /// <summary>The file of an earlier run stays while it names this subnet.</summary>
    private SubnetFileCheck RemoveUnlessOwn() => file.Read() switch
    {
        SubnetFileState.Missing => new SubnetFileCheck(false, "not written yet"),
        SubnetFileState.Present present when present.ReadSubnet() == subnetEnv.Subnet && IsOwn(present.ReadIpv6Subnet()) =>
            new SubnetFileCheck(false, $"{ShownPath} is kept until the state of the route is known"),
        SubnetFileState.Present => EnsureRemoved("it names another subnet"),
        _ => EnsureRemoved("it cannot be read"),
    };

    private bool IsOwn(Ipv6Network? subnet) => subnet is null || subnet == subnetEnv.Ipv6?.Subnet;

    private SubnetFileCheck EnsureRemoved(string reason)
    {
        wasCorrect = false;
        if (file.Read() is SubnetFileState.Missing) return new SubnetFileCheck(false, reason);
        var result = file.Remove();
        if (!result.Ok) return Fail(result.Error);
        lastLogged = null;
        NodeLog.FileRemoved(logger, ShownPath, reason);
        return new SubnetFileCheck(false, reason);
    }

    private SubnetFileCheck Correct()
    {
        wasCorrect = true;
        lastLogged = null;
        return new SubnetFileCheck(true, ShownPath);
    }

    private SubnetFileCheck Fail(string error)
    {
        if (error != lastLogged) NodeLog.HostError(logger, error);
        lastLogged = error;
        return new SubnetFileCheck(false, error);
    }

    private void LogRewrite(SubnetFileState found)
    {
        Rewrites.Increment();
        var cause = found switch
        {
            SubnetFileState.Missing => "another program deleted it",
            SubnetFileState.Present { HasExpectedMode: false } => "another program changed its mode",
            SubnetFileState.Present => "another program changed its content",
            SubnetFileState.Unreadable unreadable => unreadable.Error,
            _ => "",
        };
        NodeLog.FileRewritten(logger, ShownPath, cause);
    }
}
