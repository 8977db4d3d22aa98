using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>One call that writes.</summary>
internal abstract record RouteWrite(IReadOnlyList<RouteAction> Steps)
{
    public sealed record CreateMany(IReadOnlyList<RouteAction.Create> Routes) : RouteWrite(Routes);

    public sealed record CreateOne(RouteAction.Create Route) : RouteWrite([Route]);

    public sealed record UpdateOne(RouteAction.Update Route) : RouteWrite([Route]);

    public sealed record MarkOne(RouteAction.Mark Route) : RouteWrite([Route]);

    public sealed record DeleteMany(IReadOnlyList<RouteAction.Delete> Routes) : RouteWrite(Routes);

    /// <summary>The API's name of the call.</summary>
    public string Action => this switch
    {
        CreateMany => "CreateRouteEntries",
        CreateOne => "CreateRouteEntry",
        DeleteMany => "DeleteRouteEntries",
        _ => "ModifyRouteEntry",
    };

    public IEnumerable<string> TableIds => Steps.Select(step => step.RouteTableId).Distinct();
}
