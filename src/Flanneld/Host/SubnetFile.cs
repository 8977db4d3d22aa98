using Flannel.Core.Leases;

namespace Flanneld.Host;

/// <summary><c>subnet.env</c> on disk: replaced as a whole or not at all, 0644 whatever the umask, there only while the subnet may be used.</summary>
internal sealed class SubnetFile(string path)
{
    private const UnixFileMode Mode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    // Far above what any flannel writes; a larger file is not one.
    private const int MaxBytes = 64 * 1024;

    public string Path => path;

    /// <summary>The subnet that an earlier run wrote; null without one.</summary>
    public Flannel.Core.Addresses.Ipv4Network? ReadPreviousSubnet()
    {
        try
        {
            using var stream = File.OpenRead(path);
            var buffer = new byte[MaxBytes];
            var length = stream.ReadAtLeast(buffer, MaxBytes, throwOnEndOfStream: false);
            return SubnetEnv.ReadPreviousSubnet(buffer.AsSpan(0, length));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Null, or why the file could not be written, in one line.</summary>
    public string? Write(SubnetEnv subnetEnv)
    {
        var temporary = $"{path}.{Environment.ProcessId}.new";
        try
        {
            if (System.IO.Path.GetDirectoryName(path) is { Length: > 0 } directory) Directory.CreateDirectory(directory);
            using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = Mode }))
            {
                stream.Write(subnetEnv.ToBytes());
                File.SetUnixFileMode(stream.SafeFileHandle, Mode);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            return $"cannot write {path}: {e.Message}";
        }
    }

    /// <summary>The subnet may no longer be used. Null, or why the file could not be removed.</summary>
    public string? Remove()
    {
        try
        {
            File.Delete(path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"cannot remove {path}: {e.Message}";
        }
    }

    private static void Discard(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason that was reported first is the one to act on.
        }
    }
}
