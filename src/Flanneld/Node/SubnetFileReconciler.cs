using Flannel.Core;
using Flannel.Core.Leases;
using Flanneld.Host;
using Flanneld.Observability;
using Microsoft.Extensions.Logging;

namespace Flanneld.Node;

/// <summary>What a reconcile found.</summary>
/// <param name="IsCorrect">The file exists, with the content and the mode that it must have.</param>
/// <param name="Detail">The path, or why the file is not there.</param>
internal readonly record struct SubnetFileCheck(bool IsCorrect, string Detail);

/// <summary>Makes <c>subnet.env</c> agree with what the host may use, whoever changed the file. Reads it each time and writes only what
/// differs: a file that is correct already needs no space and no permission.</summary>
internal sealed class SubnetFileReconciler(ISubnetFile file, SubnetEnv subnetEnv, TimeProvider time, ILogger logger)
{
    // Whoever removes the file every few seconds is reported once, not every few seconds.
    private static readonly TimeSpan QuietAfterRewrite = TimeSpan.FromMinutes(1);

    private readonly byte[] expected = subnetEnv.ToBytes();
    private bool wasCorrect;
    private long? rewrittenAt;
    private string? lastError;

    public string Path => Redaction.Path(file.Path);

    /// <param name="reason">Why the subnet may not be used, when it may not.</param>
    public SubnetFileCheck Reconcile(SubnetUse use, string reason) => use switch
    {
        SubnetUse.Allowed => EnsureWritten(),
        SubnetUse.Undecided => RemoveUnlessOurs(),
        _ => EnsureRemoved(reason),
    };

    private SubnetFileCheck EnsureWritten()
    {
        var found = file.Read();
        if (found is SubnetFileState.Present { HasExpectedMode: true } present && present.Content.AsSpan().SequenceEqual(expected))
            return Correct();
        if (file.Write(subnetEnv) is FileResult.Failed failed) return Fail(failed.Error);
        if (wasCorrect) LogRewrite(found);
        return Correct();
    }

    /// <summary>The file of an earlier run stays while it names this subnet.</summary>
    private SubnetFileCheck RemoveUnlessOurs() => file.Read() switch
    {
        SubnetFileState.Missing => new SubnetFileCheck(false, "not written yet"),
        SubnetFileState.Present present when present.ReadSubnet() == subnetEnv.Subnet =>
            new SubnetFileCheck(false, $"{Path} is kept until the state of the route is known"),
        SubnetFileState.Present => EnsureRemoved("it names another subnet"),
        _ => EnsureRemoved("it cannot be read"),
    };

    private SubnetFileCheck EnsureRemoved(string reason)
    {
        wasCorrect = false;
        if (file.Read() is SubnetFileState.Missing) return new SubnetFileCheck(false, reason);
        if (file.Remove() is FileResult.Failed failed) return Fail(failed.Error);
        lastError = null;
        NodeLog.FileRemoved(logger, Path, reason);
        return new SubnetFileCheck(false, reason);
    }

    private SubnetFileCheck Correct()
    {
        wasCorrect = true;
        lastError = null;
        return new SubnetFileCheck(true, Path);
    }

    private SubnetFileCheck Fail(string error)
    {
        if (error != lastError) NodeLog.FileTrouble(logger, error);
        lastError = error;
        return new SubnetFileCheck(false, error);
    }

    private void LogRewrite(SubnetFileState found)
    {
        var isRepeated = rewrittenAt is { } last && time.GetElapsedTime(last) < QuietAfterRewrite;
        rewrittenAt = time.GetTimestamp();
        var cause = found switch
        {
            SubnetFileState.Missing => "another program deleted it",
            SubnetFileState.Present { HasExpectedMode: false } => "another program changed its mode",
            SubnetFileState.Present => "another program changed its content",
            SubnetFileState.Unreadable unreadable => unreadable.Error,
            _ => "",
        };
        NodeLog.FileRewritten(logger, isRepeated ? LogLevel.Debug : LogLevel.Warning, Path, cause);
    }
}
