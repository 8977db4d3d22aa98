using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Sts;

/// <summary>The outcome of assuming a role.</summary>
internal abstract record StsResult
{
    private StsResult() { }

    public sealed record Assumed(AccessKey Key) : StsResult;

    /// <param name="Reason">One line.</param>
    /// <param name="Missing">The permission that the calling key lacks; null for another failure.</param>
    public sealed record Failed(string Reason, MissingRamAction? Missing) : StsResult;
}
