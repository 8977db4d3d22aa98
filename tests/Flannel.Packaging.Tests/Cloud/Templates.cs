using System.Text.Json.Nodes;
using Flannel.Testbed;
using YamlDotNet.RepresentationModel;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>Reads the templates below packaging/.</summary>
internal static class Templates
{
    /// <summary>The limit of ECS for user data in bytes, before base64 encoding.</summary>
    public const int LongestUserData = 16 << 10;

    /// <summary>The example values in the user data that the user replaces.</summary>
    public const string ExampleEtcd = "192.168.1.11";
    public const string ExampleNetwork = "10.24.0.0/16";
    public const string ExampleRepository = "https://packages.example.com/flanneld";

    /// <summary>The roles of instances, by the names of the user data files.</summary>
    public static readonly string[] Roles = ["node", "etcd"];

    public static string PathOf(params string[] path) => Path.Combine([Locations.Repository(), "packaging", .. path]);

    public static string Read(params string[] path) => File.ReadAllText(PathOf(path));

    public static string UserData(string role) => Read("cloud-init", role + ".yaml");

    public static JsonNode Json(params string[] path) => JsonNode.Parse(Read(path))!;

    /// <summary>A YAML document as JSON of maps, lists and strings.</summary>
    public static JsonNode Yaml(string text)
    {
        var stream = new YamlStream();
        using var reader = new StringReader(text);
        stream.Load(reader);
        return ToJson(Assert.Single(stream.Documents).RootNode);
    }

    private static JsonNode ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(
            map.Children.Select(pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, (JsonNode?)ToJson(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        _ => JsonValue.Create(((YamlScalarNode)node).Value!),
    };
}
