using System.Text;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Vpc;

namespace Flannel.RouteController.Inventory;

/// <summary>Parts of the output of <c>--dry-run</c>.</summary>
internal static class InventoryText
{
    public static string HopsOf(RouteEntry entry) => entry.NextHops.Count == 0 ? "-" : string.Join(' ', entry.NextHops.Select(Of));

    public static string Of(NextHop hop) => $"{hop.Type} {hop.Id}";

    /// <summary>Adds a line for an error.</summary>
    /// <returns>Whether there is none.</returns>
    public static bool AddError(StringBuilder text, CloudError? error)
    {
        if (error is null) return true;
        text.Append($"  not read: {Describe(error)}\n");
        return false;
    }

    public static string Describe(CloudError error) => $"{error.DeniedAction ?? error.Code} {error.Message}{error.RequestNote}";
}
