using AliCloud.Simulator.State;

namespace AliCloud.Simulator.Api.Actions;

/// <summary>An action of a service. <see cref="Run"/> is called under the gate, with valid parameters.</summary>
internal sealed record ApiAction(
    string Service, string Name, Func<CloudState, Parameters, ApiResult> Run, params IReadOnlyList<ParameterRule> Rules)
{
    /// <summary>A copy of a VPC action in the ECS API: it requires the permission of that action, and may have the older
    /// signature.</summary>
    public bool IsEcsCopy { get; init; }

    public string RamAction => $"{(IsEcsCopy ? "vpc" : Service)}:{Name}";

    /// <summary>Position "Body" in the API's metadata: the parameters are a form in the body, and the query is empty.</summary>
    public bool IsForm { get; init; }
}

/// <summary>All actions by service and name.</summary>
internal sealed class ActionTable
{
    public const string VpcVersion = "2016-04-28";
    public const string EcsVersion = "2014-05-26";
    public const string StsVersion = "2015-04-01";
    public const string QuotasVersion = "2020-05-10";

    private readonly Dictionary<(string, string), ApiAction> _actions;

    public ActionTable(CloudState state, Credentials credentials)
    {
        var listing = new RouteEntryListing(state.Time);
        var tokens = new ClientTokens();
        _actions = new ApiAction[][]
        {
            CreateRouteActions.All(tokens), EcsCopyActions.All(tokens), DeleteRouteActions.All, ModifyRouteActions.All, listing.All,
            TableActions.All, VSwitchActions.All, VpcActions.All, new NetworkInterfaceActions(state.Time).All,
            StsActions.All(credentials), QuotaActions.All,
        }.SelectMany(a => a).ToDictionary(a => (a.Service, a.Name));
    }

    public static string? ServiceOf(string? version) =>
        version switch { VpcVersion => "vpc", EcsVersion => "ecs", StsVersion => "sts", QuotasVersion => "quotas", _ => null };

    public ApiAction? Find(string service, string? action) => action is null ? null : _actions.GetValueOrDefault((service, action));
}
