using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.Packaging.Tests.Cloud;

/// <summary>
/// Names of properties that a type of the cloud has, from the folder Schemas: the name of each property, with "required", "optional" or
/// "computed" and further words, or with the properties of a nested block. The field "source" of each file names where they are from.
/// </summary>
/// <param name="Name">The type, for messages.</param>
/// <param name="Properties">The properties; the words of a nested block itself are those of its property "".</param>
internal sealed record PropertySchema(string Name, JsonObject Properties)
{
    public static JsonObject Read(string file) =>
        Templates.Json("..", "tests", "Flannel.Packaging.Tests", "Cloud", "Schemas", file + ".json").AsObject();

    public static PropertySchema Of(JsonNode file, string type) =>
        new(type, file[type]?.AsObject() ?? throw new TestbedException($"{type}: not in the schema"));

    public bool Has(string property) => Properties.ContainsKey(property);

    public PropertySchema Nested(string property) =>
        new($"{Name}.{property}", Properties[property] as JsonObject ?? throw new TestbedException($"{Name}.{property}: no block"));

    /// <summary>Asserts that all given properties exist, can be set and are not deprecated, and that the required ones are given.</summary>
    public void AssertValid(IEnumerable<string> given)
    {
        var names = given.ToHashSet();
        Assert.All(names, name =>
        {
            Assert.True(name.Length > 0 && Has(name), $"{Name} has no property {name}");
            var words = Words(name);
            Assert.True(!words.Contains("computed"), $"{Name}.{name} cannot be set");
            Assert.True(!words.Overlaps(["deprecated", "removed"]), $"{Name}.{name} is deprecated");
        });
        Assert.All(Properties.Where(property => property.Key.Length > 0 && Words(property.Key).Contains("required")),
            property => Assert.True(names.Contains(property.Key), $"{Name} requires {property.Key}"));
    }

    private HashSet<string> Words(string property) =>
        [.. ((string)(Properties[property] is JsonObject nested ? nested[""] : Properties[property])!).Split(' ')];
}
