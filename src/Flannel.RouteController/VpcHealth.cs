namespace Flannel.RouteController;

/// <summary>Whether a VPC can be worked on at all. A term ends only when none of its VPCs can.</summary>
internal abstract record VpcHealth
{
    public sealed record Fine : VpcHealth;

    /// <param name="End">What the term ends with, if no VPC is fine.</param>
    public sealed record Hopeless(TermResult End) : VpcHealth;
}
