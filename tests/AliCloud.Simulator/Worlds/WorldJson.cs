using System.Text.Json;
using System.Text.Json.Serialization;

namespace AliCloud.Simulator.Worlds;

/// <summary>The JSON of <c>world.json</c> and of the control API: camelCase; an unknown name is an error.</summary>
public static class WorldJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <exception cref="FormatException">The text is not a valid world.</exception>
    public static World Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<World>(json, Options) ?? throw new FormatException("the world is null");
        }
        catch (JsonException e)
        {
            throw new FormatException("not a world: " + e.Message, e);
        }
    }
}
