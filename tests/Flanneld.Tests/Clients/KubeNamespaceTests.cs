using Flanneld.Clients;

namespace Flanneld.Tests.Clients;

/// <summary>The namespace in which the election takes place.</summary>
public sealed class KubeNamespaceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void The_variable_of_the_pod_has_precedence()
    {
        File.WriteAllText(Path.Combine(folder, "namespace"), "mounted\n");
        Assert.Equal("given", Find(("POD_NAMESPACE", "given")));
        Assert.Equal("mounted", Find());
        Assert.Equal("mounted", Find(("POD_NAMESPACE", "")));
    }

    [Fact]
    public void Without_a_pod_it_is_that_of_upstreams_manifest() => Assert.Equal("kube-flannel", Find());

    [Fact]
    public void A_name_that_no_namespace_has_is_an_error()
    {
        var found = KubeNamespace.Find(new Dictionary<string, string> { ["POD_NAMESPACE"] = "../secret" }, folder);
        Assert.StartsWith("POD_NAMESPACE: ", found.Error, StringComparison.Ordinal);
    }

    private string Find(params (string Name, string Value)[] variables) =>
        KubeNamespace.Find(variables.ToDictionary(variable => variable.Name, variable => variable.Value), folder).Value;
}
