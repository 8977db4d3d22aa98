using Flannel.AliCloud.Http;
using Flannel.AliCloud.Metadata;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Sts;
using Flannel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flannel.AliCloud.Credentials;

/// <summary>
/// The first configured provider's key, or that of a role which it assumes: kept while it lives, replaced in the background ahead of its end, at once when its file changes or the cloud
/// refuses it. When a replacement cannot be had, the old key serves until it dies. Thread-safe.
/// </summary>
public sealed class CredentialChain : ICredentialSource, IDisposable
{
    private static readonly TimeSpan ShortestRefreshPause = TimeSpan.FromSeconds(10);

    /// <summary>For a key that looks expired to this machine's clock while the cloud's time is not known yet.</summary>
    private static readonly TimeSpan UnjudgedRefreshPause = TimeSpan.FromMinutes(1);

    private readonly CloudClock clock;
    private readonly TimeProvider time;
    private readonly Random random;
    private readonly ILogger logger;
    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly CancellationTokenSource stopping = new();
    private readonly ITimer timer;
    private readonly CredentialSearch walk;
    private readonly Func<CredentialSearch> another;
    private readonly IDisposable? owned;
    private ConfiguredKey? configured;
    private volatile Current? current;
    private string? announced;

    /// <param name="providers">In the order of their claim.</param>
    /// <param name="random">Spreads the refreshes of many nodes; locked here.</param>
    public CredentialChain(IReadOnlyList<ICredentialProvider> providers, CloudClock clock, TimeProvider time, Random random, ILogger logger)
        : this(new CredentialSearch(providers, null, null, clock), null, null, clock, time, random, logger) { }

    /// <param name="another">The same links anew, for an explanation that leaves no trace.</param>
    /// <param name="owned">Goes with the chain.</param>
    private CredentialChain(
        CredentialSearch walk, Func<CredentialSearch>? another, IDisposable? owned, CloudClock clock, TimeProvider time,
        Random random, ILogger logger)
    {
        (this.walk, this.another, this.owned, this.clock) = (walk, another ?? (() => walk), owned, clock);
        (this.time, this.random, this.logger) = (time, random, logger);
        timer = time.CreateTimer(_ => _ = RefreshInBackgroundAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Where the key of now comes from; null before the first one.</summary>
    public string? Provider => current?.Name;

    /// <summary>The order of this program: what was given on purpose, then the order of Alibaba Cloud's SDKs. docs/credentials.md has it in full.</summary>
    /// <param name="accessKeyFile">Of <c>--access-key-file</c>; null without it.</param>
    /// <param name="environment">By name; null where a variable is not set.</param>
    /// <param name="api">How STS and a credentials URI are reached; null for their own hosts and the usual limits.</param>
    /// <param name="handler">To STS; null for the real network.</param>
    /// <param name="clock">Shared with the API that the keys sign for; null for one of its own.</param>
    public static CredentialChain Create(
        string? accessKeyFile, ConfiguredCredentials credentials, Func<string, string?> environment, MetadataClient metadata, TimeProvider time,
        Random random, ILogger logger, CloudApiOptions? api = null, HttpMessageHandler? handler = null, CloudClock? clock = null)
    {
        api ??= new CloudApiOptions { ProgramVersion = "0" };
        clock ??= new CloudClock(time);
        var configured = new ConfiguredKey(credentials.AccessKey);
        var sts = new StsClient(api, credentials.RegionId, environment, metadata, clock, time, random, logger, handler);
        CredentialSearch Links(ILogger to)
        {
            List<ICredentialProvider> providers = [];
            if (!string.IsNullOrEmpty(accessKeyFile)) providers.Add(new KeyFileProvider(accessKeyFile, to));
            providers.Add(KeyFileProvider.OfSystemd(environment, to));
            providers.Add(new BackendConfigProvider(configured, to));
            providers.Add(EnvironmentProvider.Legacy(environment));
            providers.Add(EnvironmentProvider.Standard(environment));
            providers.Add(new OidcProvider(environment, null, sts));
            providers.Add(ProfileProvider.OfCli(environment, metadata, sts, clock));
            providers.Add(ProfileProvider.OfIni(environment, metadata, sts, clock));
            providers.Add(new RamRoleProvider(metadata, environment, clock));
            providers.Add(new CredentialsUriProvider(environment, api, clock, time, to));
            return new CredentialSearch(providers, credentials.Role, sts, clock);
        }

        return new CredentialChain(Links(logger), () => Links(NullLogger.Instance), sts, clock, time, random, logger) { configured = configured };
    }

    /// <summary>The network configuration has another key now, or none: the next request is signed with what the chain gives then.</summary>
    /// <param name="key">Null for a configuration without one.</param>
    public void SetConfiguredKey(AccessKey? key)
    {
        if (configured is { } holder) holder.Current = key;
    }

    public void Dispose()
    {
        stopping.Cancel();
        timer.Dispose();
        owned?.Dispose();
    }

    public ValueTask<CredentialResult> GetAsync(CancellationToken cancellation) =>
        Usable() is { } now ? ValueTask.FromResult<CredentialResult>(now.Answer) : SlowGetAsync(cancellation);

    /// <summary>Asks the links in their order, as for a first key, and tells what each of them said. The key of now, its refresh and the log are not
    /// touched; the metadata service and STS are asked as usual.</summary>
    public async Task<IReadOnlyList<CredentialLink>> ExplainAsync(CancellationToken cancellation) =>
        (await another().WalkAsync(cancellation)).Links;

    public async ValueTask<CredentialResult> RefreshAsync(AccessKey rejected, CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            return Usable() is { } now && !now.Key.IsSameAs(rejected) ? now.Answer : await FetchAsync(cancellation);
        }
        finally
        {
            gate.Release();
        }
    }

    private async ValueTask<CredentialResult> SlowGetAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            if (Usable() is { } now) return now.Answer;
            var fetched = await FetchAsync(cancellation);
            return fetched is CredentialResult.Found || current is not { } old || !IsAlive(old) ? fetched : old.Answer;
        }
        finally
        {
            gate.Release();
        }
    }

    private Current? Usable() => current is { } now && IsAlive(now) && !now.Provider.HasChanged() ? now : null;

    /// <summary>By the cloud's time where it is known; by this machine's clock only for a key that looked valid to that clock when it
    /// came.</summary>
    private bool IsAlive(Current held) =>
        clock.Known is { } cloudTime ? held.Key.IsAlive(cloudTime) : held.IsUnjudged || held.Key.IsAlive(time.GetUtcNow());

    /// <summary>Walks the chain. Under the gate.</summary>
    private async Task<CredentialResult> FetchAsync(CancellationToken cancellation)
    {
        var walked = await walk.WalkAsync(cancellation);
        if (walked is { Key: { } key, Provider: { } provider })
        {
            var found = new Current(key, provider, walked.From, IsUnjudged: clock.Known is null && !key.IsAlive(time.GetUtcNow()));
            current = found;
            Announce(found);
            Arm(key);
            return found.Answer;
        }

        List<string> reasons = [];
        string? failure = null;
        foreach (var link in walked.Links)
        {
            if (link.State == CredentialLinkState.Failed) failure = link.Detail;
            else if (link.State is CredentialLinkState.NotConfigured or CredentialLinkState.Disabled) reasons.Add(link.Detail);
        }

        if (failure is not null) return Failure(new CredentialResult.Failed(failure), failure);

        var line = "no credentials for Alibaba Cloud: attach a RAM role that may write routes to this instance, or give --access-key-file"
            + $" ({string.Join("; ", reasons)})";
        return Failure(new CredentialResult.Missing(line), line);
    }

    private CredentialResult Failure(CredentialResult answer, string line)
    {
        if (current is { } old && IsAlive(old)) logger.CredentialsKept(line);
        return answer;
    }

    private void Announce(Current found)
    {
        var name = found.Name;
        if (name != announced) logger.CredentialProvider(name);
        announced = name;
        logger.CredentialsFetched(name, found.Key.Expiration);
    }

    /// <summary>15 to 20 minutes ahead of the end; of a short life, after half of what is left.</summary>
    private void Arm(AccessKey key)
    {
        if (key.Expiration is not { } end) return;
        var known = clock.Known;
        var left = end - (known ?? time.GetUtcNow());
        if (known is null && left <= TimeSpan.Zero) Arm(UnjudgedRefreshPause);
        else if (left > TimeSpan.FromMinutes(40)) Arm(left - TimeSpan.FromMinutes(15 + 5 * Chance()));
        else Arm(left * (0.4 + 0.1 * Chance()));
    }

    private void Arm(TimeSpan wait) =>
        timer.Change(TimerRange.Clamp(wait > ShortestRefreshPause ? wait : ShortestRefreshPause), Timeout.InfiniteTimeSpan);

    private double Chance()
    {
        lock (random) return random.NextDouble();
    }

    private async Task RefreshInBackgroundAsync()
    {
        try
        {
            await gate.WaitAsync(stopping.Token);
            try
            {
                if (await FetchAsync(stopping.Token) is not CredentialResult.Found)
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

    /// <param name="IsUnjudged">It looked expired to this machine's clock, and the cloud's time was not known.</param>
    private sealed record Current(AccessKey Key, ICredentialProvider Provider, string Name, bool IsUnjudged)
    {
        public CredentialResult.Found Answer { get; } = new(Key, Name);
    }
}
