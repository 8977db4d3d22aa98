using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>One call of the API that writes.</summary>
internal abstract record RouteWrite(IReadOnlyList<RouteAction> Actions)
{
    public sealed record CreateMany(IReadOnlyList<RouteAction.Create> Routes) : RouteWrite(Routes);

    public sealed record CreateOne(RouteAction.Create Route) : RouteWrite([Route]);

    public sealed record UpdateOne(RouteAction.Update Route) : RouteWrite([Route]);

    public sealed record MarkOne(RouteAction.Mark Route) : RouteWrite([Route]);

    public sealed record DeleteMany(IReadOnlyList<RouteAction.Delete> Routes) : RouteWrite(Routes);

    /// <summary>The name of the call in the API.</summary>
    public string ApiAction => this switch
    {
        CreateMany => "CreateRouteEntries",
        CreateOne => "CreateRouteEntry",
        DeleteMany => "DeleteRouteEntries",
        _ => "ModifyRouteEntry",
    };

    public IEnumerable<RouteKey> Keys => Actions.Select(RouteKey.Of);

    public IEnumerable<string> TableIds => Actions.Select(action => action.RouteTableId).Distinct();
}
