using Flannel.AliCloud.Signing;

namespace Flannel.AliCloud.Tests.Support;

/// <summary>Gives the first key, and after each refusal the next one; the last one for ever.</summary>
internal sealed class StaticCredentials(params AccessKey[] keys) : ICredentialSource
{
    private int current;

    public int Refreshes { get; private set; }

    public static StaticCredentials Of(string id, string secret) => new(AccessKey.Create(id, secret, null, null, out _)!);

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
