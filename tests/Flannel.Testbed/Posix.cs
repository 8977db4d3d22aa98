using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Flannel.Testbed;

/// <summary>Functions of the C library that .NET does not offer.</summary>
internal static partial class Posix
{
    public const int SigHup = 1;
    public const int SigUsr1 = 10;
    public const int SigInt = 2;
    public const int SigKill = 9;
    public const int SigTerm = 15;
    public const int SigStop = 19;
    public const int SigContinue = 18;

    /// <summary>Tells systemd as process 1 to power off: SIGRTMIN+4. SIGRTMIN of the C library is 34.</summary>
    public const int SigPowerOff = 34 + 4;

    private const int OpenReadOnlyCloseOnExec = 0x80000;
    private const int CloneNewNet = 0x40000000;

    public static bool IsRoot => EffectiveUser() == 0;

    /// <summary>Sends a signal. False if the process does not exist.</summary>
    public static bool Signal(int processId, int signal)
    {
        const int noSuchProcess = 3;
        if (Kill(processId, signal) == 0)
        {
            return true;
        }
        var error = Marshal.GetLastPInvokeError();
        return error == noSuchProcess ? false : throw new Win32Exception(error, $"kill({processId}, {signal})");
    }

    /// <summary>Removes an empty folder, or one of a kernel file system with its files. False while it is in use.</summary>
    public static bool RemoveDirectory(string path)
    {
        const int noSuchFile = 2;
        const int busy = 16;
        if (RemoveDirectoryNow(path) == 0)
        {
            return true;
        }
        var error = Marshal.GetLastPInvokeError();
        return error switch { noSuchFile => true, busy => false, _ => throw new Win32Exception(error, $"rmdir({path})") };
    }

    /// <summary>Moves only the calling thread into a network namespace.</summary>
    public static void EnterNetworkNamespace(string path)
    {
        var descriptor = Open(path, OpenReadOnlyCloseOnExec);
        if (descriptor < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), path);
        }
        var result = SetNamespace(descriptor, CloneNewNet);
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (result != 0)
        {
            throw new Win32Exception(error, $"setns({path})");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RemoveDirectoryNow(string path);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int descriptor, int type);
}
