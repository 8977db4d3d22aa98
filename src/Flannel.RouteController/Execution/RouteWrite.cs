using Flannel.RouteController.Planning;

namespace Flannel.RouteController.Execution;

/// <summary>One call that writes.</summary>
internal abstract record RouteWrite(IReadOnlyList<RouteStep> Steps)
{
    public sealed record CreateMany(IReadOnlyList<RouteStep.Create> Routes) : RouteWrite(Routes);

    public sealed record CreateOne(RouteStep.Create Route) : RouteWrite([Route]);

    public sealed record RePointOne(RouteStep.RePoint Route) : RouteWrite([Route]);

    public sealed record MarkOne(RouteStep.Mark Route) : RouteWrite([Route]);

    public sealed record DeleteMany(IReadOnlyList<RouteStep.Delete> Routes) : RouteWrite(Routes);

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
