namespace Flannel.AliCloud.Vpc;

/// <summary>The calls that write routes, by the API's names.</summary>
public enum RouteWriteCall { CreateRouteEntry, CreateRouteEntries, ModifyRouteEntry, DeleteRouteEntries }
