using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.AliCloud.Credentials;

/// <summary>
/// The credential provider chain: the key of the first configured provider, or of the role that is assumed with it. The key is cached while
/// it is valid, refreshed in the background before it expires, and fetched again when its file changes or the cloud rejects it. If a
/// refresh fails, the current key is used until it expires. Thread-safe.
/// </summary>
public sealed class CredentialChain : ICredentialSource, IDisposable
{
    private readonly CloudContext context;
    private readonly ProviderChain providers;
    private readonly Func<ProviderChain> createUnusedProviders;
    private readonly StsClient? sts;
    private readonly ConfiguredKey? configuredKey;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly CancellationTokenSource stopping = new();
    private volatile CachedKey? cached;
    private string? lastLoggedOrigin;
    private ITimer? refreshTimer;

    /// <param name="providers">In descending precedence.</param>
    public CredentialChain(IReadOnlyList<ICredentialProvider> providers, CloudContext context)
    {
        this.context = context;
        this.providers = new ProviderChain(providers, null, null, context.Clock);
        createUnusedProviders = () => this.providers;
    }

    private CredentialChain(CloudContext context, Func<ILogger, ProviderChain> createProviders, StsClient sts, ConfiguredKey configuredKey)
    {
        (this.context, this.sts, this.configuredKey) = (context, sts, configuredKey);
        providers = createProviders(context.Logger);
        createUnusedProviders = () => createProviders(NullLogger.Instance);
    }

    /// <summary>The origin of the current key; null before the first one.</summary>
    public string? Provider => cached?.Origin;

    /// <summary>When the current key expires; null before the first one, and for a key that does not expire.</summary>
    public DateTimeOffset? Expiration => cached?.Key.Expiration;

    /// <summary>Creates flanneld's chain: first what was configured for flanneld, then the order of Alibaba Cloud's SDKs
    /// (docs/credentials.md).</summary>
    /// <param name="accessKeyFile">The value of <c>--access-key-file</c>; null without it.</param>
    /// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
    /// <param name="context">Shared with the API that the keys sign calls for.</param>
    public static CredentialChain Create(
        string? accessKeyFile, ConfiguredCredentials credentials, Func<string, string?> environment, MetadataClient metadata,
        CloudContext context)
    {
        var configuredKey = new ConfiguredKey(credentials.AccessKey);
        var sts = new StsClient(context, credentials.RegionId, environment, metadata);
        return new CredentialChain(context, CreateProviders, sts, configuredKey);

        ProviderChain CreateProviders(ILogger logger)
        {
            List<ICredentialProvider> providers = [];
            if (!string.IsNullOrEmpty(accessKeyFile)) providers.Add(new KeyFileProvider(accessKeyFile, logger));
            providers.Add(KeyFileProvider.FromSystemd(environment, logger));
            providers.Add(new BackendConfigProvider(configuredKey, logger));
            providers.Add(EnvironmentProvider.Legacy(environment));
            providers.Add(EnvironmentProvider.Standard(environment));
            providers.Add(new OidcProvider(environment, null, sts));
            providers.Add(ProfileProvider.FromCli(environment, metadata, sts, context.Clock));
            providers.Add(ProfileProvider.FromIni(environment, metadata, sts, context.Clock));
            providers.Add(new RamRoleProvider(metadata, environment, context.Clock));
            providers.Add(new CredentialsUriProvider(environment, context with { Logger = logger }));
            return new ProviderChain(providers, credentials.Role, sts, context.Clock);
        }
    }

    /// <summary>Replaces the key of the network config. The next request uses it if no provider of higher precedence has a key.</summary>
    /// <param name="key">Null for a config without one.</param>
    public void SetConfiguredKey(AccessKey? key)
    {
        if (configuredKey is not null) configuredKey.Current = key;
    }

    public void Dispose()
    {
        stopping.Cancel();
        refreshTimer?.Dispose();
        sts?.Dispose();
    }

    public ValueTask<CredentialResult> GetAsync(CancellationToken cancellation) =>
        FindValidKey() is { } key ? ValueTask.FromResult<CredentialResult>(key.Result) : FetchIfNeededAsync(cancellation);

    /// <summary>Tries all providers as for a first key and returns what each of them returned. It changes neither the cached key nor its
    /// refresh, and logs nothing; the metadata service and STS are called as usual.</summary>
    public async Task<IReadOnlyList<CredentialProviderStatus>> ExplainAsync(CancellationToken cancellation) =>
        (await createUnusedProviders().FetchAsync(cancellation)).Providers;

    public async ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            return FindValidKey() is { } valid && !valid.Key.IsSameAs(rejected)
                ? valid.Result
                : await FetchAsync(cancellation);
        }
        finally
        {
            gate.Release();
        }
    }

    private async ValueTask<CredentialResult> FetchIfNeededAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (FindValidKey() is { } valid) return valid.Result;
            var fetched = await FetchAsync(cancellation);
            return fetched is CredentialResult.Found || cached is not { } old || !IsValid(old) ? fetched : old.Result;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>The cached key, unless it has expired or its file was replaced.</summary>
    private CachedKey? FindValidKey() => cached is { } current && IsValid(current) && !current.Provider.HasChanged() ? current : null;

    /// <summary>Judges by the cloud's time if it is known. The clock of this machine counts only for a key that looked valid to it when it
    /// was fetched.</summary>
    private bool IsValid(CachedKey key) => context.Clock.TrustedTime is { } cloudTime
        ? key.Key.IsValidAt(cloudTime)
        : key.IsExpiredByLocalClock || key.Key.IsValidAt(context.Time.GetUtcNow());

    /// <summary>Tries the providers. The caller holds the gate.</summary>
    private async Task<CredentialResult> FetchAsync(CancellationToken cancellation)
    {
        var result = await providers.FetchAsync(cancellation);
        if (result is { Key: { } key, Provider: { } provider })
        {
            var isExpiredByLocalClock = context.Clock.TrustedTime is null && !key.IsValidAt(context.Time.GetUtcNow());
            var fetched = new CachedKey(key, provider, result.Origin, isExpiredByLocalClock);
            cached = fetched;
            Log(fetched);
            context.Observer.CredentialsFetched(CredentialFetch.Succeeded, key.Expiration);
            ScheduleRefresh(key);
            return fetched.Result;
        }

        var failure = result.Providers.LastOrDefault(status => status.State == CredentialProviderState.Failed);
        var reason = failure?.Detail ?? MissingReason(result.Providers);
        if (cached is { } old && IsValid(old)) context.Logger.CredentialsKept(reason);
        context.Observer.CredentialsFetched(failure is null ? CredentialFetch.Missing : CredentialFetch.Failed, expiration: null);
        return failure is null ? new CredentialResult.Missing(reason) : new CredentialResult.Failed(reason);
    }

    private static string MissingReason(IReadOnlyList<CredentialProviderStatus> statuses)
    {
        var reasons = statuses
            .Where(status => status.State is CredentialProviderState.NotConfigured or CredentialProviderState.Disabled)
            .Select(status => status.Detail);
        return "no credentials for Alibaba Cloud: attach a RAM role with permissions for routes to this instance, or use --access-key-file"
            + $" ({string.Join("; ", reasons)})";
    }

    private void Log(CachedKey fetched)
    {
        if (fetched.Origin != lastLoggedOrigin) context.Logger.CredentialProvider(fetched.Origin);
        lastLoggedOrigin = fetched.Origin;
        context.Logger.CredentialsFetched(fetched.Origin, fetched.Key.Expiration is { } end ? $", valid until {end:u}" : "");
    }

    private void ScheduleRefresh(AccessKey key)
    {
        if (key.Expiration is { } end)
            ScheduleRefresh(RefreshSchedule.PauseBefore(end, context.Clock.TrustedTime, context.Time.GetUtcNow(), Jitter()));
    }

    private void ScheduleRefresh(TimeSpan pause)
    {
        if (stopping.IsCancellationRequested) return;
        refreshTimer ??= context.Time.CreateTimer(
            _ => _ = RefreshInBackgroundAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        refreshTimer.Change(TimerRange.Clamp(pause), Timeout.InfiniteTimeSpan);
    }

    private double Jitter()
    {
        lock (context.Random) return context.Random.NextDouble();
    }

    private async Task RefreshInBackgroundAsync()
    {
        try
        {
            await gate.WaitAsync(stopping.Token);
            try
            {
                if (await FetchAsync(stopping.Token) is not CredentialResult.Found)
                    ScheduleRefresh(RefreshSchedule.PauseAfterFailure(Jitter()));
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

    /// <param name="Origin">For messages.</param>
    /// <param name="IsExpiredByLocalClock">True if the key looked expired to the clock of this machine when it was fetched, and the cloud's
    /// time was unknown.</param>
    private sealed record CachedKey(AccessKey Key, ICredentialProvider Provider, string Origin, bool IsExpiredByLocalClock)
    {
        public CredentialResult.Found Result { get; } = new(Key, Origin);
    }
}
