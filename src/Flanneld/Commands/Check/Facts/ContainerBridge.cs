namespace Flanneld.Commands.Check.Facts;

/// <summary>The bridges that container engines create, and that the check knows by their names. Another name can be configured; then the
/// bridge is not checked.</summary>
internal static class ContainerBridge
{
    /// <summary>Docker's default bridge.</summary>
    public const string Docker = "docker0";

    /// <summary>The default of CNI's plug-in bridge, which flannel's plug-in uses.</summary>
    public const string Cni = "cni0";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Docker, Cni];
}
