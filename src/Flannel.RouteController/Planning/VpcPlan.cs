namespace Flannel.RouteController.Planning;

/// <summary>The plan of one pass over a VPC: what the leases and the observed route tables say together. Immutable.</summary>
internal sealed class VpcPlan(DesiredVpcState desired, IReadOnlyList<TablePlan> tables)
{
    private readonly Lazy<IReadOnlyList<RouteAction>> executable =
        new(() => [.. tables.Where(table => !table.Table.HasError).SelectMany(table => table.Actions)]);

    public DesiredVpcState Desired => desired;

    public IReadOnlyList<TablePlan> Tables => tables;

    public IEnumerable<RouteAction> Actions => Tables.SelectMany(table => table.Actions);

    /// <summary>The actions in tables whose last read succeeded.</summary>
    public IReadOnlyList<RouteAction> ExecutableActions => executable.Value;

    public IEnumerable<string> TableIds => Tables.Select(table => table.Table.Id);

    /// <summary>Whether the last read of each of these tables succeeded.</summary>
    public bool HasRead(IEnumerable<string> tableIds) =>
        tableIds.All(id => Tables.Any(table => table.Table.Id == id && !table.Table.HasError));

    /// <summary>A pure function.</summary>
    public static VpcPlan For(VpcObservation observation, OwnershipMark mark)
    {
        var index = RouteIndex.Of(observation.Desired);
        return new VpcPlan(observation.Desired, [.. observation.Tables.Select(PlanOf)]);

        TablePlan PlanOf(ObservedTable table) => new(table, RoutePlan.For(InputFor(table, observation.Desired, mark), index));
    }

    private static RoutePlanInput InputFor(ObservedTable table, DesiredVpcState desired, OwnershipMark mark) =>
        new(table.Id, desired.Network, desired.Nodes, desired.Excluded, table.Entries, mark, ServesNoNode: !table.ServesNodes)
        {
            Released = desired.Released,
            Reclaimed = table.Reclaimed,
            Ended = [.. desired.Ended.Select(ended => ended.Subnet)],
        };
}

/// <param name="Actions">Sorted by destination.</param>
internal sealed record TablePlan(ObservedTable Table, IReadOnlyList<RouteAction> Actions);
