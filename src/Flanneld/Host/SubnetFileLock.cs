using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Flannel.Core;
using Flannel.HostNetwork;
using Flanneld.Options;
using Microsoft.Win32.SafeHandles;

namespace Flanneld.Host;

/// <summary>The result of locking the subnet file.</summary>
internal abstract record LockResult
{
    private LockResult()
    {
    }

    public sealed record Taken(SubnetFileLock Lock) : LockResult;

    /// <param name="Holder">The holding program and its process id.</param>
    public sealed record Busy(string Holder) : LockResult;

    /// <summary>There is no lock file: no daemon has used this subnet file since the last boot.</summary>
    public sealed record Absent : LockResult;

    /// <param name="Reason">Why the file cannot be locked, one line.</param>
    public sealed record Unavailable(string Reason) : LockResult;
}

/// <summary>The process that took a lock.</summary>
/// <param name="Text">The program, its version and its process id; empty if no process has taken the lock since the last boot.</param>
/// <param name="IsRunning">A process of this program with this id runs on this host.</param>
internal sealed record LockHolder(string Text, bool IsRunning)
{
    public static readonly LockHolder None = new("", IsRunning: false);

    /// <summary>0 if no process has taken the lock since the last boot.</summary>
    public int ProcessId { get; private init; }

    private const string ProcessMark = ", process ";

    public static LockHolder Parse(string text)
    {
        text = text.Trim();
        var mark = text.LastIndexOf(ProcessMark, StringComparison.Ordinal);
        if (mark < 0 || !int.TryParse(text.AsSpan(mark + ProcessMark.Length), CultureInfo.InvariantCulture, out var id)) return None;
        return new LockHolder(text, KernelFile.Read($"/proc/{id}/comm")?.Trim() == "flanneld") { ProcessId = id };
    }
}

/// <summary>The lock of one <c>subnet.env</c>: an exclusive flock(2) on the file with the suffix <c>.lock</c>, which the kernel releases
/// when the process ends. The file is never deleted: otherwise two processes could each lock a file of that name.</summary>
internal sealed class SubnetFileLock : IDisposable
{
    private const int MaxHolderBytes = 200;

    // rw-------: a user who may open the file may lock it, and could prevent the daemon's start.
    private const int Mode = 0x180;

    private readonly SafeFileHandle file;

    private SubnetFileLock(SafeFileHandle file) => this.file = file;

    /// <summary>For the daemon: creates the lock file if there is none.</summary>
    public static LockResult Take(string subnetFile)
    {
        try
        {
            if (Path.GetDirectoryName(subnetFile) is { Length: > 0 } directory) Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new LockResult.Unavailable($"{Redaction.Path(subnetFile)}: {FileError.Reason(subnetFile, e)}");
        }

        return Take(subnetFile, "flanneld", Posix.Create);
    }

    /// <summary>For a command: creates no lock file, because the file could then belong to another user than the daemon.</summary>
    public static LockResult TakeExisting(string subnetFile, string command) => Take(subnetFile, $"flanneld {command}", 0);

    /// <summary>The process that took the lock last, without an attempt to take it.</summary>
    public static Result<LockHolder> ReadHolder(string subnetFile) => SmallFile.Read(PathOf(subnetFile)) switch
    {
        SmallFileResult.Present present => LockHolder.Parse(Encoding.UTF8.GetString(present.Content)),
        SmallFileResult.Unusable { Fault: SmallFileFault.Missing } => LockHolder.None,
        SmallFileResult.Unusable unusable => Result.Failure($"{Redaction.Path(PathOf(subnetFile))} {unusable.Reason}"),
        _ => throw new InvalidOperationException("an unknown result of a read"),
    };

    public void Dispose() => file.Dispose();

    private static LockResult Take(string subnetFile, string holder, int create)
    {
        var path = PathOf(subnetFile);
        var descriptor = Posix.Open(path, Posix.ReadWrite | Posix.CloseOnExec | create, Mode);
        // On a read-only file system an existing lock file can still be locked.
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

    private static string PathOf(string subnetFile) => subnetFile + ".lock";

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

    /// <summary>For the message of the next process; the lock does not depend on it.</summary>
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
