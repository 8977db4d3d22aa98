using System.Runtime.InteropServices;
using Flanneld.Commands.Check;

namespace Flanneld.Host;

/// <summary>Keeps the C library that is linked in from loading modules of the host's.</summary>
/// <remarks>
/// What <c>/etc/nsswitch.conf</c> names beside <c>files</c> and <c>dns</c> (<c>myhostname</c>, <c>resolve</c>, <c>sss</c>, …) is a shared library that brings
/// the host's own glibc with it: beside a linked-in glibc of another version it aborts the process. systemd-resolved is asked all the same,
/// by the <c>nameserver</c> line that it writes into <c>/etc/resolv.conf</c>.
/// </remarks>
internal static partial class NssConfiguration
{
    /// <summary>To be called before the first name is looked up. Holds until the process ends, whatever is written into nsswitch.conf.</summary>
    public static void UseNoModules()
    {
        Check(ConfigureLookup("hosts", "files dns"));
        foreach (var database in new[] { "passwd", "group", "services", "protocols", "networks" }) Check(ConfigureLookup(database, "files"));
    }

    private static void Check(int result)
    {
        if (result != 0) throw new InvalidOperationException("the C library knows no such database");
    }

    /// <summary>glibc's nss.h.</summary>
    [LibraryImport("libc", EntryPoint = "__nss_configure_lookup", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ConfigureLookup(string database, string services);
}
