using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Flannel.Core;

/// <summary>Calls of the C library that .NET does not offer. The numbers are those of Linux on x64 and arm64 (fcntl.h, file.h,
/// errno.h).</summary>
public static partial class Posix
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;

    /// <summary>Events of poll(2): the other end of a pipe is closed; a terminal is gone.</summary>
    public const short PollError = 0x08;
    public const short PollHangUp = 0x10;

    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;

    public const int GetDescriptorFlags = 1;

    public const int WouldBlock = 11;
    public const int NoSuchFile = 2;
    public const int ReadOnlyFileSystem = 30;

    /// <returns>A descriptor, or a negative number.</returns>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(int descriptor, int command);

    /// <param name="count">Of the descriptors; 1.</param>
    /// <param name="timeout">In milliseconds; 0 does not wait.</param>
    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollDescriptor descriptor, nuint count, int timeout);

    /// <summary>The argument of poll(2).</summary>
    /// <param name="Events">That are waited for. Errors are always reported.</param>
    /// <param name="Reported">Set by the call.</param>
    [StructLayout(LayoutKind.Sequential)]
    public record struct PollDescriptor(int Descriptor, short Events, short Reported);
}
