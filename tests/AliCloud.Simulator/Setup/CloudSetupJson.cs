using System.Text.Json;
using System.Text.Json.Serialization;

namespace AliCloud.Simulator.Setup;

/// <summary>The JSON of <c>setup.json</c> and of the control API: camelCase; an unknown name is an error.</summary>
public static class CloudSetupJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <exception cref="FormatException">The text is not a valid setup.</exception>
    public static CloudSetup Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<CloudSetup>(json, Options) ?? throw new FormatException("the setup is null");
        }
        catch (JsonException e)
        {
            throw new FormatException("not a setup: " + e.Message, e);
        }
    }
}
