using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>Supplies the first key, and the next one after each rejection. The last one has no successor.</summary>
internal sealed class StaticCredentials(params AccessKey[] keys) : ICredentialSource
{
    private int current;

    public int Refreshes { get; private set; }

    public static StaticCredentials Of(string id, string secret) => new(AccessKey.Create(id, secret).Value);

    public ValueTask<CredentialResult> GetAsync(CancellationToken cancellation) => new(Answer());

    public ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation)
    {
        Refreshes++;
        current = Math.Min(current + 1, keys.Length - 1);
        return new(Answer());
    }

    private CredentialResult Answer() =>
        keys.Length == 0 ? new CredentialResult.Missing("no key in this test") : new CredentialResult.Found(keys[current], "test");
}
