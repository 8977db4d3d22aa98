namespace Flannel.AliCloud.Metadata;

/// <summary>What the metadata service said to one question.</summary>
public abstract record MetadataResult
{
    private MetadataResult() { }

    /// <summary>Not a record of a text: it may be a secret, and must not print.</summary>
    public sealed record Found : MetadataResult
    {
        internal Found(string text) => Text = text;

        /// <summary>Trimmed.</summary>
        public string Text { get; }

        public override string ToString() => $"{Text.Length} characters";
    }

    /// <summary>The service is there and has no such item (404).</summary>
    public sealed record Absent : MetadataResult;

    /// <summary>The service is there and does not serve us: hardened mode without a token, a forwarded request, a rate limit, an error.</summary>
    public sealed record Refused(string Line) : MetadataResult;

    /// <summary>Nothing answers.</summary>
    public sealed record Unreachable(string Line) : MetadataResult;
}
