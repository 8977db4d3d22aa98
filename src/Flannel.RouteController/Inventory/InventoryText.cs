using System.Text;
using Flannel.AliCloud.Http;

namespace Flannel.RouteController.Inventory;

/// <summary>Parts of the output of <c>--dry-run</c>.</summary>
internal static class InventoryText
{
    /// <summary>Adds a line for an error.</summary>
    /// <returns>Whether there is none.</returns>
    public static bool AddError(StringBuilder text, CloudError? error)
    {
        if (error is null) return true;
        text.Append($"  not read: {error.Summary}\n");
        return false;
    }
}
