namespace Flannel.Hosts.Tests;

/// <summary>The traits by which eng/hosts.sh selects tests.</summary>
internal static class HostTraits
{
    /// <summary>A folder of programs. Tests whose folder cannot be fetched are left out.</summary>
    public const string Needs = "needs";

    /// <summary>A test that ./build.sh test runs, one for each kind of host.</summary>
    public const string Quick = "quick";
}
