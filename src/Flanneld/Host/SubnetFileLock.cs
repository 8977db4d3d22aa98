using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Flannel.Core;
using Flanneld.Options;
using Microsoft.Win32.SafeHandles;

namespace Flanneld.Host;

/// <summary>How an attempt to lock the subnet file ended.</summary>
internal abstract record LockResult
{
    private LockResult()
    {
    }

    public sealed record Taken(SubnetFileLock Lock) : LockResult;

    /// <param name="Holder">What it is, and its process id.</param>
    public sealed record Busy(string Holder) : LockResult;

    /// <summary>There is no lock file: no daemon has used this subnet file since the host started.</summary>
    public sealed record Absent : LockResult;

    /// <param name="Reason">Why nothing can be locked there, in one line.</param>
    public sealed record Unavailable(string Reason) : LockResult;
}

/// <summary>The right to manage one <c>subnet.env</c>: an exclusive flock(2) on a file beside it, which the kernel releases when the
/// process ends, however it ends. The file is never deleted, or two processes could each lock a file of that name.</summary>
internal sealed class SubnetFileLock : IDisposable
{
    private const int MaxHolderBytes = 200;

    // rw-------: whoever may open a file may lock it, and any user could keep the daemon from starting.
    private const int Mode = 0x180;

    private readonly SafeFileHandle file;

    private SubnetFileLock(SafeFileHandle file) => this.file = file;

    /// <summary>For the daemon: makes the lock file if there is none.</summary>
    public static LockResult Take(string subnetFile)
    {
        try
        {
            if (Path.GetDirectoryName(subnetFile) is { Length: > 0 } directory) Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new LockResult.Unavailable($"{Redaction.Path(subnetFile)}: {Redaction.FileError(subnetFile, e)}");
        }

        return Take(subnetFile, "flanneld", Posix.Create);
    }

    /// <summary>For a command: makes no lock file, which might then belong to another user than the daemon's.</summary>
    public static LockResult TakeExisting(string subnetFile, string command) => Take(subnetFile, $"flanneld {command}", 0);

    public void Dispose() => file.Dispose();

    private static LockResult Take(string subnetFile, string holder, int create)
    {
        var path = subnetFile + ".lock";
        var descriptor = Posix.Open(path, Posix.ReadWrite | Posix.CloseOnExec | create, Mode);
        // On a read-only file system a lock file of before will do.
        if (descriptor < 0 && Marshal.GetLastPInvokeError() == Posix.ReadOnlyFileSystem)
            descriptor = Posix.Open(path, Posix.ReadOnly | Posix.CloseOnExec, 0);
        if (descriptor < 0)
        {
            var isAbsent = Marshal.GetLastPInvokeError() == Posix.NoSuchFile && create == 0;
            return isAbsent ? new LockResult.Absent() : new LockResult.Unavailable(LastError(path));
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (Posix.Lock(file, Posix.LockExclusive | Posix.LockNonBlocking) != 0)
        {
            var isBusy = Marshal.GetLastPInvokeError() == Posix.WouldBlock;
            var error = LastError(path);
            using (file) return isBusy ? new LockResult.Busy(ReadHolder(file)) : new LockResult.Unavailable(error);
        }

        WriteHolder(file, $"{holder} {ProgramVersion.Text}, process {Environment.ProcessId}");
        return new LockResult.Taken(new SubnetFileLock(file));
    }

    private static string LastError(string path) => $"{Redaction.Path(path)}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}";

    private static string ReadHolder(SafeFileHandle file)
    {
        try
        {
            var buffer = new byte[MaxHolderBytes];
            var text = Encoding.UTF8.GetString(buffer, 0, RandomAccess.Read(file, buffer, 0)).Trim();
            return text.Length > 0 && !text.Any(char.IsControl) ? text : "another flanneld";
        }
        catch (IOException)
        {
            return "another flanneld";
        }
    }

    /// <summary>For people; the lock holds without it.</summary>
    private static void WriteHolder(SafeFileHandle file, string text)
    {
        try
        {
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.UTF8.GetBytes(text + "\n"), 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full or read-only file system.
        }
    }
}
