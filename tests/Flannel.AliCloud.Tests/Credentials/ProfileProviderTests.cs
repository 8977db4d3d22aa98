using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Credentials;

/// <summary>Profiles of the two files in a home directory, read by the provider chain and used with the simulator.</summary>
public sealed class ProfileProviderTests : IDisposable
{
    private const string Key = $"\"access_key_id\":\"{KeyId}\",\"access_key_secret\":\"{KeySecret}\"";

    private readonly TemporaryFolder home = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Config => Path.Combine(home.Path, ".aliyun/config.json");

    public void Dispose() => home.Dispose();

    [Theory]
    [InlineData($$"""{"name":"p","mode":"AK",{{Key}}}""", KeyId)]
    [InlineData($$"""{"name":"p","mode":"StsToken",{{Key}},"sts_token":"any"}""", KeyId)]
    [InlineData(
        $$"""{"name":"p","mode":"RamRoleArn",{{Key}},"ram_role_arn":"{{RouterArn}}","ram_session_name":"me","expired_seconds":1800}""",
        "Router")]
    [InlineData("""{"name":"p","mode":"EcsRamRole"}""", "FlannelRole")]
    [InlineData("""{"name":"p","mode":"EcsRamRole","ram_role_name":"FlannelRole"}""", "FlannelRole")]
    [InlineData(
        $$"""{"name":"p","mode":"OIDC","ram_role_arn":"{{RouterArn}}","oidc_provider_arn":"{{ProviderArn}}","oidc_token_file":"TOKEN"}""",
        "Router")]
    [InlineData(
        $$"""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"q","ram_role_arn":"{{RouterArn}}"},{"name":"q","mode":"EcsRamRole"}""",
        "Router")]
    [InlineData(
        $$"""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"q","ram_role_arn":"acs:ram::1234567890123456:role/OtherRole"},{"name":"q","mode":"ChainableRamRoleArn","source_profile":"r","ram_role_arn":"{{RouterArn}}"},{"name":"r","mode":"AK",{{Key}}}""",
        "OtherRole")]
    public async Task Every_supported_mode_of_the_CLI_supplies_a_key(string profiles, string whose)
    {
        await using var cloud = await StartAsync();
        Write(profiles.Replace("TOKEN", home.Write("token", OidcToken), StringComparison.Ordinal));
        var chain = Chain(cloud);
        var key = await FoundAsync(chain);
        Assert.Equal($"profile p of {Config}", chain.Provider);
        if (whose == KeyId)
        {
            Assert.Equal(KeyId, key.Id);
            return;
        }

        Assert.True((await cloud.ApiWith(chain).DescribeVpcAttributeAsync(Region, "vpc-1", Token)).Ok);
        var assumed = cloud.Cloud.Calls.All.Where(c => c.Service == "sts").ToList();
        if (whose == "FlannelRole") Assert.Empty(assumed);
        else Assert.EndsWith($":role/{whose}", assumed[^1].Parameters["RoleArn"], StringComparison.Ordinal);
        if (profiles.Contains("1800", StringComparison.Ordinal)) Assert.Equal(
            ("1800", "me"), (assumed[^1].Parameters["DurationSeconds"], assumed[^1].Parameters["RoleSessionName"]));
    }

    [Theory]
    [InlineData($"type = access_key\naccess_key_id = {KeyId}\naccess_key_secret = {KeySecret}", 0)]
    [InlineData($"type = sts\naccess_key_id = {KeyId}\naccess_key_secret = {KeySecret}\nsecurity_token = any", 0)]
    [InlineData(
        $"type = ram_role_arn\naccess_key_id = {KeyId}\naccess_key_secret = {KeySecret}\nrole_arn = {RouterArn}\nrole_session_name = me",
        1)]
    [InlineData($"type = oidc_role_arn\nrole_arn = {RouterArn}\noidc_provider_arn = {ProviderArn}\noidc_token_file_path = TOKEN", 1)]
    [InlineData("type = ecs_ram_role\nrole_name = FlannelRole", 0)]
    public async Task Every_type_of_the_SDKs_file_supplies_a_key(string section, int assumed)
    {
        await using var cloud = await StartAsync();
        var path = home.Write(".alibabacloud/credentials",
            $"[default]\n{section.Replace("TOKEN", home.Write("token", OidcToken), StringComparison.Ordinal)}\n");
        var chain = Chain(cloud);
        await FoundAsync(chain);
        Assert.Equal($"profile default of {path}", chain.Provider);
        Assert.Equal(assumed, cloud.Cloud.Calls.All.Count(c => c.Service == "sts" && c.Status == 200));
    }

    [Theory]
    [InlineData("""{"name":"other","mode":"AK"}""", "there is no such profile")]
    [InlineData("""{"name":"p","mode":"AK"}""", "the profile has no access key")]
    [InlineData($$"""{"name":"p","mode":"StsToken",{{Key}}}""", "no security token")]
    [InlineData("""{"name":"p"}""", "neither mode nor type")]
    [InlineData("""{"name":"p","mode":"CloudSSO"}""", "not supported by a daemon")]
    [InlineData("""{"name":"p","mode":"External","process_command":"rm"}""", "not supported by a daemon")]
    [InlineData("""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"q","ram_role_arn":"acs:ram::1:role/r"}""",
        "there is no profile q")]
    public async Task A_profile_without_a_key_is_not_configured(string profiles, string why)
    {
        await using var cloud = await StartAsync();
        Write(profiles);
        var chain = Chain(cloud);
        await FoundAsync(chain);
        Assert.Equal("RAM role FlannelRole", chain.Provider);
        var status = Assert.Single(await chain.ExplainAsync(Token), l => l.Name.EndsWith(Config, StringComparison.Ordinal));
        Assert.Equal(CredentialProviderState.NotConfigured, status.State);
        Assert.Contains(why, status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"p","ram_role_arn":"acs:ram::1:role/r"}""", "cycle")]
    [InlineData("""{"name":"p","mode":"ChainableRamRoleArn","ram_role_arn":"acs:ram::1:role/r"}""", "has no source_profile")]
    [InlineData($$"""{"name":"p","mode":"RamRoleArn",{{Key}},"ram_role_arn":"hIdDeN"}""", "must be an ARN")]
    [InlineData($$"""{"name":"p","mode":"RamRoleArn",{{Key}},"ram_role_arn":"acs:ram::1:role/none"}""", "EntityNotExist.Role")]
    [InlineData("""{"name":"p","mode":"AK","access_key_id":"hIdDeN","access_key_secret":"hIdDeN hIdDeN"}""",
        "character that is not printable ASCII")]
    [InlineData("{", "invalid JSON")]
    public async Task An_invalid_profile_ends_the_chain_and_is_not_quoted(string profiles, string why)
    {
        await using var cloud = await StartAsync();
        Write(profiles);
        var line = Assert.IsType<CredentialResult.Failed>(await Chain(cloud).GetAsync(Token)).Reason;
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Contains(Config, line, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", line + string.Concat(cloud.Logger.Lines.Select(l => l.Text)), StringComparison.Ordinal);
        Assert.DoesNotContain(KeySecret, line + string.Concat(cloud.Logger.Lines.Select(l => l.Text)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_selects_file_and_profile_and_disables_them()
    {
        await using var cloud = await StartAsync();
        Write($$"""{"name":"p","mode":"AK","access_key_id":"of-p","access_key_secret":"s"},{"name":"q","mode":"AK","access_key_id":"of-q","access_key_secret":"s"}""");
        var elsewhere = home.Write(
            "elsewhere.json", """{"current":"x","profiles":[{"name":"x","mode":"AK","access_key_id":"of-x","access_key_secret":"s"}]}""");
        var ini = home.Write(".alibabacloud/credentials", "[default]\ntype=access_key\naccess_key_id=of-ini\naccess_key_secret=s\n");
        Assert.Equal("of-p", (await FoundAsync(Chain(cloud))).Id);
        Assert.Equal("of-q", (await FoundAsync(Chain(cloud, ("ALIBABA_CLOUD_PROFILE", "q")))).Id);
        Assert.Equal("of-x", (await FoundAsync(Chain(cloud, ("ALIBABA_CLOUD_CONFIG_FILE", elsewhere)))).Id);
        Assert.Equal("of-ini", (await FoundAsync(Chain(cloud, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")))).Id);
        Assert.Equal("of-ini", (await FoundAsync(Chain(cloud, ("HOME", ""), ("ALIBABA_CLOUD_CREDENTIALS_FILE", ini)))).Id);

        var statuses = await Chain(cloud, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "True")).ExplainAsync(Token);
        Assert.Contains(statuses, l => l is { Name: "~/.aliyun/config.json", State: CredentialProviderState.Disabled });
        File.WriteAllText(ini, "[default]\nenable=false\ntype=access_key\naccess_key_id=of-ini\naccess_key_secret=s\n");
        Assert.Contains(
            await Chain(cloud, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")).ExplainAsync(Token),
            l => l.State == CredentialProviderState.Disabled && l.Name == $"profile default of {ini}");
    }

    [Fact]
    public async Task An_unreadable_configured_file_fails_and_an_unreadable_home_directory_does_not()
    {
        await using var cloud = await StartAsync();
        Directory.CreateDirectory(Config); // unreadable also for root
        Assert.Equal("RAM role FlannelRole", await ProviderAsync(Chain(cloud)));
        Assert.Contains(
            "is a directory",
            Assert.IsType<CredentialResult.Failed>(await Chain(cloud, ("ALIBABA_CLOUD_CONFIG_FILE", Config)).GetAsync(Token)).Reason,
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ALIBABA_CLOUD_CONFIG_FILE")]
    [InlineData("ALIBABA_CLOUD_CREDENTIALS_FILE")]
    public async Task A_key_in_place_of_the_path_of_a_file_is_not_quoted(string variable)
    {
        await using var cloud = await StartAsync();
        foreach (var key in new[] { "hIdDeN", "{\"access_key_secret\":\n\"hIdDeN\"}" })
        {
            var chain = Chain(cloud, (variable, key));
            var line = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token)).Reason;
            Assert.StartsWith("(not shown: ", line, StringComparison.Ordinal);
            Assert.EndsWith(" does not exist", line, StringComparison.Ordinal);
            var statuses = await chain.ExplainAsync(Token);
            Assert.DoesNotContain(
                "hIdDeN", string.Concat(statuses.Select(status => status.Name + status.Detail)), StringComparison.Ordinal);
            Assert.DoesNotContain("hIdDeN", string.Concat(cloud.Logger.Lines.Select(line => line.Text)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_changed_profile_is_read_and_an_invalid_one_keeps_the_key()
    {
        await using var cloud = await StartAsync();
        Write("""{"name":"p","mode":"AK","access_key_id":"one","access_key_secret":"s"}""");
        var chain = Chain(cloud);
        Assert.Equal("one", (await FoundAsync(chain)).Id);
        Write("""{"name":"p","mode":"AK","access_key_id":"another","access_key_secret":"s"}""");
        Assert.Equal("another", (await FoundAsync(chain)).Id);
        Write("{");
        Assert.Equal("another", (await FoundAsync(chain)).Id);
        Assert.Equal(1, cloud.Logger.Count(3202));
        Write("""{"name":"p","mode":"AK","access_key_id":"the-third","access_key_secret":"s"}""");
        Assert.Equal("the-third", (await FoundAsync(chain)).Id);
    }

    private void Write(string profiles) => home.Write(".aliyun/config.json", $"{{\"current\":\"p\",\"profiles\":[{profiles}]}}");

    private CredentialChain Chain(TestCloud cloud, params (string Name, string Value)[] variables)
    {
        Dictionary<string, string> environment = new() { ["HOME"] = home.Path };
        foreach (var (name, value) in variables) environment[name] = value;
        return cloud.Chain("i-1", environment);
    }

    private static async Task<AccessKey> FoundAsync(CredentialChain chain) =>
        Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token)).Key;

    private static async Task<string?> ProviderAsync(CredentialChain chain)
    {
        await FoundAsync(chain);
        return chain.Provider;
    }
}
