using Flannel.Core.Addresses;

namespace Flannel.RouteController.Planning;

/// <summary>Identifies an entry: the API allows one per route table and destination.</summary>
internal sealed record RouteKey(string TableId, IpNetwork Destination)
{
    // Each action of a plan is searched in several dictionaries.
    private readonly int hashCode = HashCode.Combine(TableId, Destination);

    public static RouteKey Of(RouteAction action) => action.Key;

    public bool Equals(RouteKey? other) =>
        ReferenceEquals(this, other)
        || (other is not null && hashCode == other.hashCode && TableId == other.TableId && Destination == other.Destination);

    public override int GetHashCode() => hashCode;
}
