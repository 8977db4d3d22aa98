using System.Runtime.InteropServices;

namespace Flanneld.Host;

/// <summary>Prevents the statically linked C library from loading the host's NSS modules.</summary>
/// <remarks>
/// The modules in <c>/etc/nsswitch.conf</c> other than <c>files</c> and <c>dns</c> (<c>myhostname</c>, <c>resolve</c>, <c>sss</c>, …) are
/// shared libraries that load the host's own glibc, which aborts a process that is linked with another version. systemd-resolved still
/// answers, through the <c>nameserver</c> line that it writes into <c>/etc/resolv.conf</c>.
/// </remarks>
internal static partial class NssConfiguration
{
    /// <summary>Must be called before the first name is resolved. Applies until the process ends, whatever nsswitch.conf says.</summary>
    public static void UseNoModules()
    {
        Check(ConfigureLookup("hosts", "files dns"));
        foreach (var database in new[] { "passwd", "group", "services", "protocols", "networks" })
            Check(ConfigureLookup(database, "files"));
    }

    private static void Check(int result)
    {
        if (result != 0) throw new InvalidOperationException("the C library does not know the database");
    }

    /// <summary>glibc's nss.h.</summary>
    [LibraryImport("libc", EntryPoint = "__nss_configure_lookup", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ConfigureLookup(string database, string services);
}
