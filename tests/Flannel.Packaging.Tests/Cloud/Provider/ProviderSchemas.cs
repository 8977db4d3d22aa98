using System.Text.Json.Nodes;

namespace Flannel.Packaging.Tests.Cloud.Provider;

/// <summary>The schemas of Schemas/alicloud.json as tfplugin5 describes them to Terraform.</summary>
internal static class ProviderSchemas
{
    private const int NestingList = 2;
    private const int NestingSet = 3;

    private static readonly JsonObject file = PropertySchema.Read("alicloud");

    /// <summary>The properties of a resource or data source, with the "id" that each has.</summary>
    public static JsonObject Of(string kind, string type)
    {
        var properties = file[$"{kind}.{type}"]!.DeepClone().AsObject();
        properties["id"] ??= "optional default string";
        return properties;
    }

    public static string[] Words(JsonNode? property) => ((string)(property is JsonObject nested ? nested[""] : property)!).Split(' ');

    /// <summary>The response of GetSchema.</summary>
    public static ProtoMessage Response()
    {
        // The provider's own settings: only the region is used.
        var response = new ProtoMessage().With(1, Schema(new JsonObject { ["region"] = "optional string" }));
        foreach (var (name, _) in file.Where(entry => entry.Value is JsonObject))
        {
            var words = name.Split('.');
            response.With(words[0] == "resource" ? 2 : 3, new ProtoMessage().With(1, words[1]).With(2, Schema(Of(words[0], words[1]))));
        }

        return response;
    }

    private static ProtoMessage Schema(JsonObject properties) => new ProtoMessage().With(2, Block(properties));

    private static ProtoMessage Block(JsonObject properties)
    {
        var block = new ProtoMessage();
        foreach (var (name, property) in properties.Where(property => property.Key.Length > 0))
        {
            var words = Words(property);
            if (property is JsonObject nested && words[0] != "computed")
            {
                block.With(3, new ProtoMessage().With(1, name).With(2, Block(nested))
                    .With(3, words.Contains("set") ? NestingSet : NestingList).With(4, words[0] == "required" ? 1 : 0));
            }
            else
            {
                block.With(2, new ProtoMessage().With(1, name).With(2, TypeOf(property!).ToJsonString()).With(4, words[0] == "required")
                    .With(5, words[0] == "optional").With(6, words[0] == "computed" || words.Contains("default")));
            }
        }

        return block;
    }

    /// <summary>A type as Terraform writes it in JSON, such as ["list","string"].</summary>
    private static JsonNode TypeOf(JsonNode property)
    {
        if (property is JsonObject nested)
        {
            var parts = new JsonObject(nested.Where(part => part.Key.Length > 0)
                .Select(part => KeyValuePair.Create(part.Key, (JsonNode?)TypeOf(part.Value!))));
            return new JsonArray(Words(property).Contains("set") ? "set" : "list", new JsonArray("object", parts));
        }

        var word = Words(property).Single(word => word is "string" or "bool" or "number" || word.EndsWith(')'));
        return word.TrimEnd(')').Split('(') is [var collection, var item] ? new JsonArray(collection, item) : JsonValue.Create(word);
    }
}
