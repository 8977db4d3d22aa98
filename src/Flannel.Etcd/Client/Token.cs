using Etcdserverpb;
using Grpc.Core;

namespace Flannel.Etcd.Client;

/// <summary>The token of the user, valid at every member. Fetched by the first request, and again when a member rejects it (it expired, the
/// member restarted, or an operator changed a user). Thread-safe.</summary>
internal sealed class Token(EtcdOptions options, RequestMeter meter) : IDisposable
{
    private const string NotEnabled = "etcdserver: authentication is not enabled";

    private readonly SemaphoreSlim gate = new(1);
    private volatile string? current;

    /// <summary>Null without a user. Empty while the cluster's authentication is disabled: then no token is sent, as in etcd's own
    /// client.</summary>
    public async ValueTask<string?> GetAsync(Member member, CancellationToken cancellation)
    {
        if (options.UserName is null) return null;
        if (current is { } known) return known;
        await gate.WaitAsync(cancellation);
        try
        {
            if (current is { } fetched) return fetched;
            var started = meter.Start();
            try
            {
                using var call = member.Call(
                    EtcdMethods.Authenticate,
                    new AuthenticateRequest
                    {
                        Name = options.UserName,
                        Password = (options.PasswordFile?.Current() ?? options.Password!).RevealText(),
                    },
                    new CallOptions(cancellationToken: cancellation));
                var response = await call.ResponseAsync;
                meter.Succeed(EtcdOperation.Authenticate, started);
                return current = response.Token;
            }
            catch (RpcException e) when (!cancellation.IsCancellationRequested)
            {
                meter.Fail(EtcdOperation.Authenticate, e, hasTimedOut: false, started);
                if (ServerErrors.WithoutGrpcPrefix(e.Status.Detail) != NotEnabled) throw;
                return current = "";
            }
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Drops a token that a member rejected. One that was fetched meanwhile stays.</summary>
    public void Invalidate(string? rejected)
    {
        if (current == rejected) current = null;
    }

    public void Dispose() => gate.Dispose();
}
