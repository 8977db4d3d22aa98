using Flannel.Core.Leases;
using Flanneld.Host;

namespace Flanneld.Node;

/// <summary>Keeps the conflist of this node: it is written after <c>subnet.env</c>, and does not exist without it.</summary>
internal sealed class ConflistReconciler(ConflistFile conflist, ISubnetFile subnetFile, SubnetEnv subnetEnv)
{
    private readonly byte[] generated = CniConflist.Create(subnetEnv, Path.GetFullPath(subnetFile.Path));

    /// <param name="check">Of <c>subnet.env</c>.</param>
    /// <returns>The same; not correct while the conflist cannot be written.</returns>
    public SubnetFileCheck Reconcile(SubnetFileCheck check)
    {
        if (!check.IsCorrect)
        {
            RemoveIfOrphaned(conflist, subnetFile);
            return check;
        }

        var installed = conflist.Install(generated);
        return installed.Ok ? check : new SubnetFileCheck(IsCorrect: false, installed.Error);
    }

    /// <summary>Removes a conflist without <c>subnet.env</c>, such as that of the boot before: <c>/run</c> is empty after a boot. A failure
    /// is logged.</summary>
    public static void RemoveIfOrphaned(ConflistFile conflist, ISubnetFile subnetFile)
    {
        if (subnetFile.Read() is SubnetFileState.Missing) conflist.Remove();
    }
}
