using static Flannel.Architecture.Tests.ProductAssemblies;

namespace Flannel.Architecture.Tests;

public class NamespaceCycleTests
{
    public static TheoryData<string> Projects => [.. TopDown];

    /// <summary>Namespaces that depend on each other cannot be understood, tested or replaced apart.</summary>
    [Theory, MemberData(nameof(Projects))]
    public void Namespaces_of_an_assembly_have_no_cycle(string project)
    {
        var edges = Dependencies
            .Where(dependency => IsWithin(dependency.OriginNamespace, project) && IsWithin(dependency.TargetNamespace, project)
                && dependency.OriginNamespace != dependency.TargetNamespace)
            .ToList();
        var graph = edges.ToLookup(edge => edge.OriginNamespace, edge => edge.TargetNamespace);
        var mutual = edges.Where(edge => Reaches(graph, edge.TargetNamespace, edge.OriginNamespace))
            .Select(edge => edge.ToString()).Distinct().ToList();
        Assert.True(mutual.Count == 0,
            $"{mutual.Count} dependencies are part of a cycle:\n{string.Join('\n', mutual.Order(StringComparer.Ordinal))}");
    }

    private static bool Reaches(ILookup<string, string> graph, string start, string end)
    {
        var seen = new HashSet<string> { start };
        var open = new Queue<string>(seen);
        while (open.TryDequeue(out var current))
        {
            if (current == end) return true;
            foreach (var next in graph[current].Where(seen.Add)) open.Enqueue(next);
        }

        return false;
    }
}
