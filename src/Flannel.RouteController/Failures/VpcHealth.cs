using Flannel.RouteController.Abstractions;

namespace Flannel.RouteController.Failures;

/// <summary>Whether the routes of a VPC can be read and written.</summary>
internal abstract record VpcHealth
{
    public sealed record Usable : VpcHealth;

    /// <param name="Result">The result of the term, if no VPC is usable.</param>
    public sealed record Unusable(TermResult Result) : VpcHealth;
}
