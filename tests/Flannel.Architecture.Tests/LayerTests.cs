using static Flannel.Architecture.Tests.ProductAssemblies;

namespace Flannel.Architecture.Tests;

/// <summary>The rules of the section Architecture of the design.</summary>
public class LayerTests
{
    public static TheoryData<string> Projects => [.. TopDown];

    [Fact]
    public void Every_project_of_src_has_a_place_in_the_order() =>
        Assert.Equal(
            TopDown.Order(StringComparer.Ordinal),
            Directory.GetDirectories(Path.Combine(Testbed.Locations.Repository(), "src"))
                .Select(Path.GetFileName).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Projects))]
    public void Project_references_point_down(string project)
    {
        var place = TopDown.IndexOf(project);
        Assert.All(ReferencesOf(project), reference => Assert.True(TopDown.IndexOf(reference) > place, $"{project} refers to {reference}"));
    }

    [Fact]
    public void The_route_controller_knows_neither_HTTP_nor_etcd()
    {
        Assert.DoesNotContain("Flannel.Etcd", ReferencesOf("Flannel.RouteController"));
        AssertNone("Flannel.RouteController", "System.Net.Http", "System.Net.Sockets", "Grpc", "Etcdserverpb", "Flannel.Etcd");
    }

    [Fact]
    public void The_client_of_the_cloud_knows_nothing_of_flannel()
    {
        Assert.Equal(["Flannel.Core"], ReferencesOf("Flannel.AliCloud"));
        AssertNone("Flannel.AliCloud", "Flannel.Core.Leases", "Flannel.Core.Routes", "Flannel.Core.Configuration");
    }

    [Fact]
    public void The_etcd_client_does_not_know_the_cloud() =>
        Assert.Equal(["Flannel.Core"], ReferencesOf("Flannel.Etcd"));

    [Fact]
    public void The_core_depends_on_no_package_and_on_no_network()
    {
        Assert.Empty(ReferencesOf("Flannel.Core"));
        AssertNone("Flannel.Core", "Microsoft.Extensions", "Grpc", "System.Net.Http", "System.Net.Sockets");
    }

    /// <summary>Planning is a pure function: it does not log, read the time, wait, or call anything.</summary>
    [Fact]
    public void Planning_is_pure()
    {
        AssertNone("Flannel.RouteController.Planning", "Microsoft.Extensions.Logging", "System.Threading", "System.IO");
        var impure = Dependencies.Where(dependency => IsWithin(dependency.OriginNamespace, "Flannel.RouteController.Planning")
            && dependency.Target is "System.TimeProvider" or "System.Random" or "Flannel.AliCloud.ICloudApi").ToList();
        Assert.True(impure.Count == 0, string.Join('\n', impure));
    }

    /// <summary>A node knows its subnet manager through ISubnetManager only.</summary>
    [Fact]
    public void A_node_does_not_depend_on_etcd() => AssertNone("Flanneld.Node", "Flannel.Etcd", "Etcdserverpb", "Mvccpb");

    /// <param name="forbidden">Namespaces, with all below them.</param>
    private static void AssertNone(string origin, params string[] forbidden)
    {
        var own = Dependencies.Where(dependency => IsWithin(dependency.OriginNamespace, origin)).ToList();
        Assert.NotEmpty(own);
        var found = own.Where(dependency => forbidden.Any(name => IsWithin(dependency.TargetNamespace, name))).Distinct().ToList();
        Assert.True(found.Count == 0, string.Join('\n', found));
    }
}

file static class ListExtensions
{
    public static int IndexOf(this IReadOnlyList<string> list, string item)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] == item) return i;
        }

        return -1;
    }
}
