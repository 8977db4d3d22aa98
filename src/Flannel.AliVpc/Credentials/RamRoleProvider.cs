using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Flannel.AliVpc.Metadata;

namespace Flannel.AliVpc.Credentials;

/// <summary>The RAM role that is attached to the instance: temporary keys from the metadata service.</summary>
/// <param name="environment">By name: <c>ALIBABA_CLOUD_ECS_METADATA</c> names the role, <c>ALIBABA_CLOUD_ECS_METADATA_DISABLED</c> forbids to ask.</param>
public sealed class RamRoleProvider(MetadataClient metadata, Func<string, string?> environment, TimeProvider time) : ICredentialProvider
{
    private const string Root = "meta-data/ram/security-credentials/";

    private string? role;

    public string Name => role is { } name ? $"RAM role {name}" : "RAM role";

    public bool HasChanged() => false;

    public async ValueTask<ProviderAnswer> FetchAsync(CancellationToken cancellation)
    {
        if (Switches.IsOn(environment("ALIBABA_CLOUD_ECS_METADATA_DISABLED")))
            return new ProviderAnswer.NotConfigured("ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids the RAM role");
        var named = environment("ALIBABA_CLOUD_ECS_METADATA")?.Trim();
        if (!string.IsNullOrEmpty(named)) return Shapes.IsRole(named)
            ? await OfRoleAsync(named, cancellation).ConfigureAwait(false) ?? NoRole($"the instance does not have the role {named} of ALIBABA_CLOUD_ECS_METADATA")
            : new ProviderAnswer.Failed("ALIBABA_CLOUD_ECS_METADATA is not the name of a role");

        // The role of last time saves a round trip; another one may have been attached since.
        if (role is { } last && await OfRoleAsync(last, cancellation).ConfigureAwait(false) is { } again) return again;
        role = null;
        switch (await metadata.GetAsync(Root, cancellation).ConfigureAwait(false))
        {
            case MetadataAnswer.Found { Text: var text }:
                var first = text.Split('\n')[0].Trim();
                if (first.Length == 0) return NoRole("no RAM role is attached to this instance");
                return Shapes.IsRole(first)
                    ? await OfRoleAsync(first, cancellation).ConfigureAwait(false) ?? NoRole("the instance's RAM role was just detached")
                    : new ProviderAnswer.Failed("the metadata service lists something that is not the name of a role");
            case MetadataAnswer.Absent:
                return NoRole("no RAM role is attached to this instance");
            case MetadataAnswer.Refused refused:
                return new ProviderAnswer.Failed(refused.Line);
            case MetadataAnswer.Unreachable unreachable:
                return new ProviderAnswer.Failed(unreachable.Line);
            default:
                return new ProviderAnswer.Failed("the metadata service did not answer");
        }
    }

    private static ProviderAnswer.NotConfigured NoRole(string why) => new(why);

    /// <returns>Null when the instance has no such role.</returns>
    private async Task<ProviderAnswer?> OfRoleAsync(string name, CancellationToken cancellation)
    {
        switch (await metadata.GetAsync(Root + name, cancellation).ConfigureAwait(false))
        {
            case MetadataAnswer.Found { Text: var text }:
                role = name;
                return Read(text, name, time.GetUtcNow());
            case MetadataAnswer.Refused refused:
                return new ProviderAnswer.Failed(refused.Line);
            case MetadataAnswer.Unreachable unreachable:
                return new ProviderAnswer.Failed(unreachable.Line);
            default:
                return null;
        }
    }

    /// <summary>All fields are required, and a key that is dead already is none. Never quotes the text.</summary>
    internal static ProviderAnswer Read(string text, string role, DateTimeOffset now)
    {
        RoleAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize(Encoding.UTF8.GetBytes(text), RoleAnswerJson.Default.RoleAnswer);
        }
        catch (JsonException)
        {
            return new ProviderAnswer.Failed($"RAM role {role}: the metadata service's answer is not the JSON of a key");
        }

        if (answer?.Code != "Success") return new ProviderAnswer.Failed($"RAM role {role}: the metadata service has no key for it (its Code is not Success)");
        if (answer.Expiration is not { } expiration || string.IsNullOrEmpty(answer.SecurityToken))
            return new ProviderAnswer.Failed($"RAM role {role}: the key lacks its security token or its expiration");
        if (expiration <= now) return new ProviderAnswer.Failed($"RAM role {role}: the key expired at {expiration:u}; is this machine's clock right?");
        return AccessKey.Create(answer.AccessKeyId, answer.AccessKeySecret, answer.SecurityToken, expiration, out var error) is { } key
            ? new ProviderAnswer.Found(key)
            : new ProviderAnswer.Failed($"RAM role {role}: {error}");
    }

    internal sealed class RoleAnswer
    {
        public string? Code { get; init; }
        public string? AccessKeyId { get; init; }
        public string? AccessKeySecret { get; init; }
        public string? SecurityToken { get; init; }
        public DateTimeOffset? Expiration { get; init; }
    }
}

[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(RamRoleProvider.RoleAnswer))]
internal sealed partial class RoleAnswerJson : JsonSerializerContext;
