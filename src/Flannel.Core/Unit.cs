namespace Flannel.Core;

/// <summary>The value of an operation that has no other result than success.</summary>
public sealed record Unit
{
    public static readonly Unit Instance = new();

    private Unit()
    {
    }
}
