namespace Flannel.AliCloud.Vpc;

/// <summary>The calls that write route entries, with the API's names.</summary>
public enum RouteWriteCall { CreateRouteEntry, CreateRouteEntries, ModifyRouteEntry, DeleteRouteEntries }
