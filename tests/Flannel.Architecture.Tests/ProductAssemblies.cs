using System.Xml.Linq;
using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Flannel.Testbed;

namespace Flannel.Architecture.Tests;

/// <summary>The assemblies of <c>src</c>, and what depends on what in them.</summary>
internal static class ProductAssemblies
{
    /// <summary>In the order of <c>docs/ARCHITECTURE.md</c>: each may refer to those after it only.</summary>
    public static readonly IReadOnlyList<string> TopDown =
    [
        "Flanneld", "Flannel.RouteController", "Flannel.AliCloud", "Flannel.Etcd", "Flannel.Kubernetes", "Flannel.HostNetwork",
        "Flannel.Core",
    ];

    public static readonly ArchUnitNET.Domain.Architecture Architecture =
        new ArchLoader().LoadAssemblies([.. TopDown.Select(Load)]).Build();

    /// <summary>Each dependency of a type of the product on another type, by namespace and name.</summary>
    public static IEnumerable<Dependency> Dependencies =>
        from type in Architecture.Types
        from dependency in type.Dependencies
        let target = dependency.Target
        where IsOfProduct(type)
        select new Dependency(type.FullName, NamespaceOf(type), target.FullName, NamespaceOf(target));

    /// <summary>Names of the projects that a project file refers to.</summary>
    public static IReadOnlyList<string> ReferencesOf(string project)
    {
        var file = Path.Combine(Locations.Repository(), "src", project, $"{project}.csproj");
        return
        [
            .. XDocument.Load(file).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value)),
        ];
    }

    /// <summary>Whether a namespace is <paramref name="parent"/> or below it.</summary>
    public static bool IsWithin(string name, string parent) =>
        name == parent || name.StartsWith(parent + '.', StringComparison.Ordinal);

    private static System.Reflection.Assembly Load(string project) =>
        System.Reflection.Assembly.Load(project == "Flanneld" ? "flanneld" : project);

    private static bool IsOfProduct(IType type) => TopDown.Any(project => IsWithin(NamespaceOf(type), project));

    // Empty for a type parameter. A nested type has the namespace of the type that declares it.
    private static string NamespaceOf(IType type) => type.Namespace?.FullName ?? "";
}

internal sealed record Dependency(string Origin, string OriginNamespace, string Target, string TargetNamespace)
{
    public override string ToString() => $"{Origin} -> {Target}";
}
