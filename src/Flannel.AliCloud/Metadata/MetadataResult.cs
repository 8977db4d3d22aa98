namespace Flannel.AliCloud.Metadata;

/// <summary>The outcome of a request to the metadata service.</summary>
public abstract record MetadataResult
{
    private MetadataResult() { }

    /// <summary>The text may be a secret: <see cref="ToString"/> does not show it.</summary>
    public sealed record Found : MetadataResult
    {
        internal Found(string text) => Text = text;

        /// <summary>Trimmed.</summary>
        public string Text { get; }

        public override string ToString() => $"{Text.Length} characters";
    }

    /// <summary>The service has no such item (HTTP 404).</summary>
    public sealed record NotFound : MetadataResult;

    /// <summary>The service returned an error: hardened mode without a token, a rate limit, a response that is too large …</summary>
    /// <param name="Reason">One line.</param>
    public sealed record Failed(string Reason) : MetadataResult;

    /// <summary>The service is unavailable: no connection, or no response in time.</summary>
    /// <param name="Reason">One line.</param>
    public sealed record Unreachable(string Reason) : MetadataResult;
}
