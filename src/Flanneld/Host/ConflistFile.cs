using Flannel.Core;
using Flannel.Core.Leases;
using Microsoft.Extensions.Logging;

namespace Flanneld.Host;

/// <summary>The conflist in the folder of <c>--install-cni</c>. The kubelet considers the network of a node ready as soon as there is
/// one.</summary>
/// <param name="directory">Usually <c>/etc/cni/net.d</c>.</param>
/// <param name="source">The operator's own conflist; null for the generated one.</param>
internal sealed class ConflistFile(string directory, string? source, ILogger logger)
{
    // What libcni reads (libcni/conf.go, ConfFiles, and its callers), in the order of the names: the first one is used.
    private static readonly string[] Extensions = [".conf", ".conflist", ".json"];

    private readonly SubnetFile file = new(System.IO.Path.Combine(directory, CniConflist.FileName));
    private string? lastError;
    private string? lastOther;

    public string Path => file.Path;

    /// <summary>Writes the file if it differs from what it must contain. A source that cannot be used leaves the file as it is.</summary>
    /// <param name="generated">The content without an operator's own conflist.</param>
    public Result<Unit> Install(byte[] generated)
    {
        var content = source is null ? generated : ReadSource(source);
        var written = content.Ok ? WriteIfChanged(content.Value) : Result.Failure(content.Error);
        if (!written.Ok) return Fail(written.Error);
        lastError = null;
        WarnOfOther();
        return Unit.Instance;
    }

    /// <summary>Succeeds if there is none.</summary>
    public Result<Unit> Remove()
    {
        if (file.Read() is SubnetFileState.Missing) return Unit.Instance;
        var removed = file.Remove();
        if (!removed.Ok) return Fail(removed.Error);
        lastError = null;
        CniLog.ConflistRemoved(logger, Redaction.Path(Path));
        return Unit.Instance;
    }

    /// <summary>Read each time: the file of a ConfigMap is replaced while this program runs.</summary>
    private static Result<byte[]> ReadSource(string path)
    {
        switch (SmallFile.Read(path))
        {
            case SmallFileResult.Present { Content: var content }:
                var valid = CniConflist.Check(content);
                return valid.Ok ? content : Result.Failure($"--install-cni-conf: {Redaction.Path(path)} {valid.Error}");
            case SmallFileResult.Unusable unusable:
                return Result.Failure($"--install-cni-conf: {Redaction.Path(path)} {unusable.Reason}");
            default:
                throw new InvalidOperationException("an unknown result of a read");
        }
    }

    private Result<Unit> WriteIfChanged(byte[] content)
    {
        if (file.Read() is SubnetFileState.Present { HasExpectedMode: true } present && present.Content.AsSpan().SequenceEqual(content))
            return Unit.Instance;
        var written = AtomicFile.Write(Path, content);
        if (written.Ok) CniLog.ConflistWritten(logger, Redaction.Path(Path));
        return written;
    }

    private Failure Fail(string error)
    {
        if (error != lastError) CniLog.ConflistError(logger, error);
        lastError = error;
        return Result.Failure(error);
    }

    private void WarnOfOther()
    {
        var other = FindOther();
        if (other is not null && other != lastOther) CniLog.OtherConfigFirst(logger, Redaction.Path(Path), Redaction.Path(other));
        lastOther = other;
    }

    /// <returns>The file that a runtime reads in place of this one; null if there is none.</returns>
    private string? FindOther()
    {
        try
        {
            return Directory.EnumerateFiles(directory)
                .Where(path => Extensions.Contains(System.IO.Path.GetExtension(path), StringComparer.Ordinal)
                    && string.CompareOrdinal(System.IO.Path.GetFileName(path), CniConflist.FileName) < 0)
                .Min(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
