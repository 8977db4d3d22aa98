using Etcdserverpb;
using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>The token that stands for user and password, good at every member. Fetched when first needed and again when a member
/// does not know it any more (it expired, the member restarted, or an operator changed a user).</summary>
internal sealed class Token(EtcdOptions options) : IDisposable
{
    private const string NotEnabled = "etcdserver: authentication is not enabled";

    private readonly SemaphoreSlim gate = new(1);
    private volatile string? current;

    /// <summary>Null without a user. Empty while the cluster has authentication switched off: then none is sent, as etcd's own client
    /// does.</summary>
    public async ValueTask<string?> GetAsync(Member member, CancellationToken cancellation)
    {
        if (options.UserName is null) return null;
        if (current is { } known) return known;
        await gate.WaitAsync(cancellation);
        try
        {
            if (current is { } fetched) return fetched;
            try
            {
                var answer = await member.Auth.AuthenticateAsync(
                    new AuthenticateRequest
                    {
                        Name = options.UserName,
                        Password = (options.PasswordFile?.Current() ?? options.Password!).RevealText(),
                    },
                    new CallOptions(cancellationToken: cancellation));
                return current = answer.Token;
            }
            catch (RpcException e) when (ServerErrors.Bare(e.Status.Detail) == NotEnabled)
            {
                return current = "";
            }
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Forgets a token that a member refused; one that was fetched in the meantime stays.</summary>
    public void Forget(string? refused)
    {
        if (current == refused) current = null;
    }

    public void Dispose() => gate.Dispose();
}
