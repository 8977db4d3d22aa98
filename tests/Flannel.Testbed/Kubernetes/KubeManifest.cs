using YamlDotNet.RepresentationModel;

namespace Flannel.Testbed.Kubernetes;

/// <summary>One object of a YAML manifest.</summary>
/// <param name="Namespace"><c>default</c> without one; meaningless for a kind without namespaces.</param>
/// <param name="Yaml">The text of the object.</param>
internal sealed record KubeManifest(string ApiVersion, string Kind, string Name, string Namespace, string Yaml)
{
    /// <summary>The objects of a manifest, in its order.</summary>
    public static IReadOnlyList<KubeManifest> Parse(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return [.. stream.Documents.Where(document => document.RootNode is YamlMappingNode).Select(Parse)];
    }

    private static KubeManifest Parse(YamlDocument document)
    {
        var root = (YamlMappingNode)document.RootNode;
        var metadata = (YamlMappingNode)root["metadata"];
        var space = metadata.Children.TryGetValue("namespace", out var value) ? Text(value) : "default";
        using var writer = new StringWriter();
        new YamlStream(document).Save(writer, assignAnchors: false);
        return new KubeManifest(Text(root["apiVersion"]), Text(root["kind"]), Text(metadata["name"]), space, writer.ToString());
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;
}
