using Flannel.AliVpc.Metadata;
using Microsoft.Extensions.Logging;

namespace Flannel.AliVpc.Credentials;

/// <summary>
/// The first configured provider's key: kept while it lives, replaced in the background ahead of its end, at once when its file changes or the cloud
/// refuses it. When a replacement cannot be had, the old key serves until it dies. Thread-safe.
/// </summary>
public sealed class CredentialChain : ICredentialSource, IDisposable
{
    private readonly IReadOnlyList<ICredentialProvider> providers;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer timer;
    private volatile Current? current;
    private string? announced;

    /// <param name="providers">In the order of their claim.</param>
    /// <param name="random">Spreads the refreshes of many nodes; locked here.</param>
    public CredentialChain(IReadOnlyList<ICredentialProvider> providers, TimeProvider time, Random random, ILogger logger)
    {
        (this.providers, this.time, this.random, this.logger) = (providers, time, random, logger);
        timer = time.CreateTimer(_ => _ = RefreshInBackgroundAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Where the key of now comes from; null before the first one.</summary>
    public string? Provider => current?.Provider.Name;

    /// <summary>The order of this program: what was given explicitly, the environment, then the instance's role.</summary>
    /// <param name="accessKeyFile">Of <c>--access-key-file</c>; null without it.</param>
    /// <param name="environment">By name; null where a variable is not set.</param>
    public static CredentialChain Create(
        string? accessKeyFile, AliVpcBackendConfig backend, Func<string, string?> environment, MetadataClient metadata, TimeProvider time,
        Random random, ILogger logger)
    {
        List<ICredentialProvider> providers = [];
        if (!string.IsNullOrEmpty(accessKeyFile)) providers.Add(new KeyFileProvider(accessKeyFile, logger));
        providers.Add(new BackendConfigProvider(backend, logger));
        providers.Add(EnvironmentProvider.Today(environment));
        providers.Add(EnvironmentProvider.Old(environment));
        providers.Add(new RamRoleProvider(metadata, environment, time));
        return new CredentialChain(providers, time, random, logger);
    }

    public void Dispose()
    {
        stopping.Cancel();
        timer.Dispose();
    }

    public ValueTask<CredentialAnswer> GetAsync(CancellationToken cancellation) =>
        Usable() is { } now ? ValueTask.FromResult<CredentialAnswer>(now.Answer) : SlowGetAsync(cancellation);

    public async ValueTask<CredentialAnswer> RefreshAsync(AccessKey rejected, CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return Usable() is { } now && !now.Key.IsSameAs(rejected) ? now.Answer : await FetchAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            gate.Release();
        }
    }

    private async ValueTask<CredentialAnswer> SlowGetAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (Usable() is { } now) return now.Answer;
            var fetched = await FetchAsync(cancellation).ConfigureAwait(false);
            return fetched is CredentialAnswer.Found || current is not { } old || !old.Key.IsAlive(time.GetUtcNow()) ? fetched : old.Answer;
        }
        finally
        {
            gate.Release();
        }
    }

    private Current? Usable() => current is { } now && now.Key.IsAlive(time.GetUtcNow()) && !now.Provider.HasChanged() ? now : null;

    /// <summary>Walks the chain. Under the gate.</summary>
    private async Task<CredentialAnswer> FetchAsync(CancellationToken cancellation)
    {
        List<string> reasons = [];
        foreach (var provider in providers)
        {
            switch (await provider.FetchAsync(cancellation).ConfigureAwait(false))
            {
                case ProviderAnswer.Found { Key: var key }:
                    var found = new Current(key, provider);
                    current = found;
                    Announce(found);
                    Arm(key);
                    return found.Answer;
                case ProviderAnswer.Failed failed:
                    return Failure(new CredentialAnswer.Failed(failed.Line), failed.Line);
                case ProviderAnswer.NotConfigured not:
                    reasons.Add(not.Why);
                    break;
            }
        }

        var line = "no credentials for Alibaba Cloud: attach a RAM role that may write routes to this instance, or give --access-key-file"
            + $" ({string.Join("; ", reasons)})";
        return Failure(new CredentialAnswer.Missing(line), line);
    }

    private CredentialAnswer Failure(CredentialAnswer answer, string line)
    {
        if (current is { } old && old.Key.IsAlive(time.GetUtcNow())) logger.CredentialsKept(line);
        return answer;
    }

    private void Announce(Current found)
    {
        var name = found.Provider.Name;
        if (name != announced) logger.CredentialProvider(name);
        announced = name;
        logger.CredentialsFetched(name, found.Key.Expiration);
    }

    /// <summary>15 to 20 minutes ahead of the end; of a short life, after half of what is left.</summary>
    private void Arm(AccessKey key)
    {
        if (key.Expiration is not { } end) return;
        var left = end - time.GetUtcNow();
        var wait = left > TimeSpan.FromMinutes(40)
            ? left - TimeSpan.FromMinutes(15 + 5 * Chance())
            : left * (0.4 + 0.1 * Chance());
        Arm(wait);
    }

    private void Arm(TimeSpan wait) => timer.Change(wait > TimeSpan.FromSeconds(10) ? wait : TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);

    private double Chance()
    {
        lock (random) return random.NextDouble();
    }

    private async Task RefreshInBackgroundAsync()
    {
        try
        {
            await gate.WaitAsync(stopping.Token).ConfigureAwait(false);
            try
            {
                if (await FetchAsync(stopping.Token).ConfigureAwait(false) is not CredentialAnswer.Found)
                    Arm(TimeSpan.FromSeconds(50 + 20 * Chance()));
            }
            finally
            {
                gate.Release();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The process ends.
        }
    }

    private sealed record Current(AccessKey Key, ICredentialProvider Provider)
    {
        public CredentialAnswer.Found Answer { get; } = new(Key, Provider.Name);
    }
}
