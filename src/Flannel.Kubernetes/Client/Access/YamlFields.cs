using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>Reads the fields of a mapping. A field of another kind than expected throws <see cref="FormatException"/> with a message that
/// names the field, and never its value.</summary>
/// <param name="path">Of the mapping, for messages.</param>
internal sealed class YamlFields(YamlMappingNode mapping, string path)
{
    /// <summary>The mapping at the top of a document in YAML or JSON.</summary>
    /// <exception cref="FormatException">The text is something else.</exception>
    public static YamlFields Parse(string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            // The message may quote the text, which holds secrets.
            throw new FormatException($"is neither YAML nor JSON (line {e.Start.Line})", e);
        }

        return stream.Documents is [{ RootNode: YamlMappingNode root }, ..]
            ? new YamlFields(root, "")
            : throw new FormatException("is not a kubeconfig: it has no fields");
    }

    public bool Has(string name) => Find(name) is not null;

    /// <returns>Null for a field that is missing, null or empty.</returns>
    public string? Text(string name) => Find(name) switch
    {
        null => null,
        YamlScalarNode { Value: var value } => string.IsNullOrEmpty(value) ? null : value,
        _ => throw Unexpected(name, "a text"),
    };

    public bool Flag(string name) => Text(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw Unexpected(name, "true or false"),
    };

    /// <returns>Null for a field that is missing or null.</returns>
    public YamlFields? Map(string name) => Find(name) switch
    {
        null => null,
        YamlMappingNode value => new YamlFields(value, PathOf(name)),
        _ => throw Unexpected(name, "a map"),
    };

    /// <summary>The items of a list of maps.</summary>
    public IEnumerable<YamlFields> List(string name)
    {
        switch (Find(name))
        {
            case null:
                return [];
            case YamlSequenceNode list:
                return list.Children.Select(
                    item => item is YamlMappingNode map ? new YamlFields(map, PathOf(name)) : throw Unexpected(name, "a list of maps"));
            default:
                throw Unexpected(name, "a list");
        }
    }

    private YamlNode? Find(string name)
    {
        foreach (var (key, value) in mapping.Children)
        {
            if (key is YamlScalarNode scalar && scalar.Value == name) return IsNull(value) ? null : value;
        }

        return null;
    }

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "" or "null" or "Null" or "NULL" or "~" };

    private string PathOf(string name) => path.Length == 0 ? name : $"{path}.{name}";

    private FormatException Unexpected(string name, string expected) => new($"has no {expected} in {PathOf(name)}");
}
