using AliCloud.Simulator.Observing;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.AliCloud.Tests.Credentials;

public sealed class CredentialChainTests : IDisposable
{
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero));
    private readonly CloudClock cloudTime;
    private readonly RecordingLogger logger = new();
    private readonly List<IDisposable> made = [];

    public CredentialChainTests() => cloudTime = new CloudClock(clock);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (var one in made) one.Dispose();
    }

    [Fact]
    public async Task Every_provider_has_its_place_in_the_order_and_can_be_disabled()
    {
        await using var cloud = await TestCloud.StartAsync();
        await using var server = await MetadataStub.StartAsync((_, _, _) =>
            (200, """{"AccessKeyId":"of-uri","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-01-02T09:00:00Z"}"""));
        using var folder = new TemporaryFolder();
        var config = new ConfiguredCredentials(AccessKey.Create("of-config", "s").Value, null, null);
        var file = folder.Write("key", "AccessKeyId=of-file\nAccessKeySecret=s");
        var environment = ConfigureAllProviders(folder, server.Address);
        List<string> order = [];
        async Task NextAsync(string? path, ConfiguredCredentials backend, Action disable)
        {
            var chain = cloud.Chain("i-1", environment, backend, path);
            await IdAsync(chain);
            order.Add(chain.Provider!);
            disable();
        }

        await NextAsync(file, config, () => { });
        await NextAsync(null, config, () => environment.Remove("CREDENTIALS_DIRECTORY"));
        await NextAsync(null, config, () => { });
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment.Remove("ACCESS_KEY_ID"));
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment.Remove("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
        Assert.DoesNotContain(cloud.Cloud.Calls.All, c => c.Service is "metadata" or "sts");
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment.Remove("ALIBABA_CLOUD_OIDC_TOKEN_FILE"));
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment["ALIBABA_CLOUD_CLI_PROFILE_DISABLED"] = "TRUE");
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment["HOME"] = "/nonexistent");
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true");
        await NextAsync(null, ConfiguredCredentials.Empty, () => environment.Remove("ALIBABA_CLOUD_CREDENTIALS_URI"));

        Assert.Equal(
            [
                $"access key file {file}", "systemd credential access-key", "AccessKeyID of the network config",
                    "environment variable ACCESS_KEY_ID",
                "environment variable ALIBABA_CLOUD_ACCESS_KEY_ID", $"RAM role {TestCloud.RouterArn} with an OIDC token",
                    $"profile p of {folder.Path}/.aliyun/config.json",
                $"profile default of {folder.Path}/.alibabacloud/credentials", "RAM role FlannelRole", "ALIBABA_CLOUD_CREDENTIALS_URI",
            ],
            order);
        Assert.Equal(1, cloud.Logger.Count(3204));
        Assert.Equal(order, cloud.Logger.Lines.Where(l => l.Id == 3200).Select(l => l.Text.Trim()["using credentials from ".Length..]));

        var none = cloud.Chain("i-1", environment);
        Assert.IsType<CredentialResult.Missing>(await none.GetAsync(Token));
        var statuses = await none.ExplainAsync(Token);
        Assert.Equal(9, statuses.Count); // --access-key-file is not set
        Assert.Equal(2, statuses.Count(l => l.State == CredentialProviderState.Disabled));
        Assert.All(statuses,
            l => Assert.True(l.State is CredentialProviderState.Disabled or CredentialProviderState.NotConfigured && l.Detail.Length > 0,
            l.ToString()));
    }

    [Fact]
    public async Task A_replaced_key_of_the_configuration_signs_the_next_request()
    {
        await using var cloud = await TestCloud.StartAsync();
        var config = new ConfiguredCredentials(AccessKey.Create("of-config", "s").Value, null, null);
        var environment = new Dictionary<string, string> { ["ACCESS_KEY_ID"] = "of-old-env", ["ACCESS_KEY_SECRET"] = "s" };
        var chain = cloud.Chain("i-1", environment, config);
        Assert.Equal("of-config", await IdAsync(chain));
        chain.SetConfiguredKey(AccessKey.Create("of-config-2", "s").Value);
        Assert.Equal("of-config-2", await IdAsync(chain));
        chain.SetConfiguredKey(null);
        Assert.Equal("of-old-env", await IdAsync(chain));
    }

    [Fact]
    public async Task Without_credentials_the_reason_says_what_to_do()
    {
        await using var cloud = await TestCloud.StartAsync();
        var context = Contexts.Create(time: cloud.Clock, logger: logger);
        var chain = cloud.Keep(CredentialChain.Create(null, ConfiguredCredentials.Empty, _ => null, cloud.Metadata("i-3"), context));
        var missing = Assert.IsType<CredentialResult.Missing>(await chain.GetAsync(Token));
        Assert.Contains("attach a RAM role", missing.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', missing.Reason);
        cloud.Cloud.Console.SetRamRole("i-3", "FlannelRole");
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token));
    }

    [Fact]
    public async Task A_failed_provider_ends_the_chain()
    {
        var chain = Chain(new Scripted("first", _ => new ProviderResult.Failed("the file is bad")), new Scripted("second", n => Key(n)));
        Assert.Equal("the file is bad", Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token)).Reason);
    }

    [Fact]
    public async Task A_key_is_cached_and_refreshed_in_the_background_before_it_expires()
    {
        var provider = new Scripted("p", n => Key(n, clock.GetUtcNow().AddHours(6)));
        var chain = Chain(provider);
        Assert.Equal("key0", await IdAsync(chain));
        clock.Advance(TimeSpan.FromHours(5.6));
        Assert.Equal("key0", await IdAsync(chain));
        Assert.Equal(1, provider.Fetches);
        clock.Advance(TimeSpan.FromMinutes(10)); // 14 minutes are left
        await Eventually.Is(() => provider.Fetches == 2);
        await Eventually.Is(() => chain.GetAsync(Token).Preserve() is { IsCompletedSuccessfully: true } && logger.Count(3201) == 2);
        Assert.Equal("key1", await IdAsync(chain));
    }

    [Fact]
    public async Task After_a_failed_refresh_the_key_is_used_until_it_expires_and_the_refresh_is_retried()
    {
        var fail = false;
        var provider = new Scripted(
            "p", n => fail ? new ProviderResult.Failed("the metadata service is unavailable") : Key(n, clock.GetUtcNow().AddHours(6)));
        var chain = Chain(provider);
        Assert.Equal("key0", await IdAsync(chain));
        fail = true;
        clock.Advance(TimeSpan.FromMinutes(346));
        await Eventually.Is(() => logger.Count(3202) == 1);
        Assert.Equal("key0", await IdAsync(chain));
        await Eventually.Is(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(5));
            return logger.Count(3202) >= 2;
        });
        clock.Advance(TimeSpan.FromMinutes(20));
        Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token));
        fail = false;
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token));
    }

    [Fact]
    public async Task Callers_with_a_rejected_key_share_one_refresh()
    {
        var provider = new Scripted("p", n => Key(n, clock.GetUtcNow().AddHours(6)));
        var chain = Chain(provider);
        var rejected = Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token)).Key;
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => chain.RefreshAsync(rejected, Token).AsTask()));
        Assert.All(answers, a => Assert.Equal("key1", Assert.IsType<CredentialResult.Found>(a).Key.Id));
        Assert.Equal(2, provider.Fetches);
    }

    [Fact]
    public async Task The_first_callers_share_one_request()
    {
        var provider = new Scripted("p", n => Key(n, clock.GetUtcNow().AddHours(6)));
        var chain = Chain(provider);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await chain.GetAsync(Token), Token)));
        Assert.Equal(1, provider.Fetches);
    }

    [Fact]
    public async Task A_changed_file_is_read_again_and_an_invalid_one_keeps_the_key()
    {
        var bad = false;
        var provider = new Scripted("file", n => bad ? new ProviderResult.Failed("line 1 is bad") : Key(n));
        var chain = Chain(provider);
        Assert.Equal("key0", await IdAsync(chain));
        provider.Changed = true;
        Assert.Equal("key1", await IdAsync(chain));
        (bad, provider.Changed) = (true, true);
        Assert.Equal("key1", await IdAsync(chain));
        Assert.Equal(1, logger.Count(3202));
        (bad, provider.Changed) = (false, true);
        Assert.NotEqual("key1", await IdAsync(chain));
    }

    [Fact]
    public async Task A_key_with_a_short_lifetime_is_refreshed_after_half_of_it()
    {
        var provider = new Scripted("p", n => Key(n, clock.GetUtcNow().AddMinutes(10)));
        var chain = Chain(provider);
        await chain.GetAsync(Token);
        clock.Advance(TimeSpan.FromMinutes(3.9));
        Assert.Equal(1, provider.Fetches);
        clock.Advance(TimeSpan.FromMinutes(1.2));
        await Eventually.Is(() => provider.Fetches == 2);
    }

    [Fact]
    public async Task With_a_rotating_role_the_API_always_has_a_valid_key()
    {
        await using var cloud = await TestCloud.StartAsync();
        var context = Contexts.Create(time: cloud.Clock, logger: cloud.Logger);
        var chain = cloud.Keep(CredentialChain.Create(null, ConfiguredCredentials.Empty, _ => null, cloud.Metadata("i-2"), context));
        var api = cloud.ApiWith(chain);
        for (var hour = 0; hour < 30; hour++)
        {
            Assert.True((await api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", Token)).Ok);
            cloud.Clock.Advance(TimeSpan.FromMinutes(59));
        }

        Assert.True(cloud.Cloud.Calls.All.Where(c => c.Service == "vpc").Select(c => c.AccessKeyId).Distinct().Count() >= 4);
        Assert.All(cloud.Cloud.Calls.All.Where(c => c.Service == "vpc"), c => Assert.Equal(200, c.Status));
    }

    [Theory]
    [InlineData(50)]
    [InlineData(3650)]
    [InlineData(1_000_000)]
    public async Task A_key_with_a_distant_expiration_is_accepted(int days)
    {
        // The timers of the system reject a wait of more than 49.7 days.
        var provider = new Scripted("p", n => Key(n, DateTimeOffset.UtcNow.AddDays(days)));
        using var chain = new CredentialChain([provider], Contexts.Create(logger: logger));
        Assert.Equal("key0", await IdAsync(chain));
        Assert.Equal("key0", await IdAsync(chain));
        Assert.Equal(1, provider.Fetches);
    }

    [Theory]
    [InlineData(7)] // a hardware clock in local time
    [InlineData(-7)]
    [InlineData(24 * 365)]
    public async Task With_a_clock_that_is_hours_off_temporary_keys_are_used_until_the_cloud_rejects_them(int hours)
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var theirs = new FakeTimeProvider(now);
        await using var cloud = await TestCloud.StartAsync(clock: new FakeTimeProvider(now.AddHours(hours)), cloudClock: theirs);
        var api = cloud.ApiWith(cloud.Chain("i-1"));
        for (var i = 0; i < 40; i++)
        {
            var answer = await api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", Token);
            Assert.True(answer.Ok, $"{i}: {answer}");
            theirs.Advance(TimeSpan.FromMinutes(29));
            cloud.Clock.Advance(TimeSpan.FromMinutes(29));
        }

        var keys = cloud.Cloud.Calls.All.Where(c => c.Service == "vpc").Select(c => c.AccessKeyId).Distinct().Count();
        Assert.InRange(keys, 3, 8); // 19 hours with keys that are valid for six hours
        Assert.InRange(cloud.Cloud.Calls.All.Count(c => c.Service == "metadata"), 1, 60);
        // One call was rejected because of its time, none because of its key.
        Assert.Equal(["InvalidTimeStamp.Expired"],
            cloud.Cloud.Calls.All.Where(c => c.Service == "vpc" && c.Status != 200).Select(c => c.Code));
    }

    [Fact]
    public async Task A_key_that_has_expired_by_the_clouds_time_is_reported_with_both_times()
    {
        cloudTime.Measure(clock.GetUtcNow());
        var chain = Chain(new Scripted("key file /k", n => Key(n, clock.GetUtcNow().AddMinutes(-1))));
        var failed = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token));
        Assert.Equal("key file /k: the key expired at 2026-01-01 23:59:00Z (Alibaba Cloud's time is 2026-01-02 00:00:00Z)", failed.Reason);
    }

    [Fact]
    public async Task A_key_counts_as_expired_only_by_the_clouds_time()
    {
        await using var cloud = await TestCloud.StartAsync();
        cloud.Fail(FaultKind.Code, "DescribeVpcAttribute", "InvalidSecurityToken.Expired");
        using var folder = new TemporaryFolder();
        var file = folder.Write("key",
            $$"""{"AccessKeyId":"{{TestCloud.KeyId}}","AccessKeySecret":"{{TestCloud.KeySecret}}","Expiration":"2026-01-01T00:00:00Z"}""");
        var chain = cloud.Chain("i-1", accessKeyFile: file);
        var api = cloud.ApiWith(chain);
        Assert.Equal("InvalidSecurityToken.Expired", (await api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", Token)).Error!.Code);
        var second = (await api.DescribeVpcAttributeAsync(TestCloud.Region, "vpc-1", Token)).Error!;
        Assert.Equal("<credentials>", second.Code);
        Assert.Contains("the key expired at 2026-01-01", second.Message, StringComparison.Ordinal);
        Assert.Equal(1, cloud.Cloud.Calls.Count("vpc", "DescribeVpcAttribute"));
    }

    /// <summary>Writes the files of all providers with one, and sets the variables of all providers.</summary>
    private static Dictionary<string, string> ConfigureAllProviders(TemporaryFolder folder, string credentialsUri)
    {
        folder.Write("units/access-key", "AccessKeyId=of-systemd\nAccessKeySecret=s");
        folder.Write(".aliyun/config.json",
            """{"current":"p","profiles":[{"name":"p","mode":"AK","access_key_id":"of-cli","access_key_secret":"s"}]}""");
        folder.Write(".alibabacloud/credentials", "[default]\ntype=access_key\naccess_key_id=of-ini\naccess_key_secret=s\n");
        return new()
        {
            ["CREDENTIALS_DIRECTORY"] = Path.Combine(folder.Path, "units"),
            ["HOME"] = folder.Path,
            ["ACCESS_KEY_ID"] = "of-old-env",
            ["ACCESS_KEY_SECRET"] = "s",
            ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = "of-env",
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = "s",
            ["ALIBABA_CLOUD_ROLE_ARN"] = TestCloud.RouterArn,
            ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] = TestCloud.ProviderArn,
            ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = folder.Write("token", TestCloud.OidcToken),
            ["ALIBABA_CLOUD_CREDENTIALS_URI"] = credentialsUri,
        };
    }

    private static ProviderResult.Found Key(int n, DateTimeOffset? end = null) =>
        new(AccessKey.Create($"key{n}", "secret", null, end).Value);

    private static async Task<string> IdAsync(CredentialChain chain) =>
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token)).Key.Id;

    private CredentialChain Chain(params ICredentialProvider[] providers)
    {
        var chain = new CredentialChain(providers, Contexts.Create(time: clock, logger: logger) with { Clock = cloudTime });
        made.Add(chain);
        return chain;
    }

    private sealed class Scripted(string name, Func<int, ProviderResult> answer) : ICredentialProvider
    {
        private int fetches;

        public string Name => name;

        public int Fetches => Volatile.Read(ref fetches);

        public bool Changed { get; set; }

        public bool HasChanged() => Changed;

        public ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
        {
            Changed = false;
            return ValueTask.FromResult(answer(Interlocked.Increment(ref fetches) - 1));
        }
    }
}
