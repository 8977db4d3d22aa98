using AliCloud.Simulator.Api;
using AliCloud.Simulator.State;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests.Credentials;

/// <summary>Profiles of the two files in a home folder, as the chain reads them, against the simulated cloud.</summary>
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
    [InlineData($$"""{"name":"p","mode":"RamRoleArn",{{Key}},"ram_role_arn":"{{RouterArn}}","ram_session_name":"me","expired_seconds":1800}""", "Router")]
    [InlineData("""{"name":"p","mode":"EcsRamRole"}""", "FlannelRole")]
    [InlineData("""{"name":"p","mode":"EcsRamRole","ram_role_name":"FlannelRole"}""", "FlannelRole")]
    [InlineData($$"""{"name":"p","mode":"OIDC","ram_role_arn":"{{RouterArn}}","oidc_provider_arn":"{{ProviderArn}}","oidc_token_file":"TOKEN"}""", "Router")]
    [InlineData($$"""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"q","ram_role_arn":"{{RouterArn}}"},{"name":"q","mode":"EcsRamRole"}""", "Router")]
    [InlineData($$"""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"q","ram_role_arn":"acs:ram::1234567890123456:role/OtherRole"},{"name":"q","mode":"ChainableRamRoleArn","source_profile":"r","ram_role_arn":"{{RouterArn}}"},{"name":"r","mode":"AK",{{Key}}}""", "OtherRole")]
    public async Task Every_mode_of_the_CLI_that_serves_a_daemon_gives_a_key(string profiles, string whose)
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
        if (profiles.Contains("1800", StringComparison.Ordinal)) Assert.Equal(("1800", "me"), (assumed[^1].Parameters["DurationSeconds"], assumed[^1].Parameters["RoleSessionName"]));
    }

    [Theory]
    [InlineData($"type = access_key\naccess_key_id = {KeyId}\naccess_key_secret = {KeySecret}", 0)]
    [InlineData($"type = sts\naccess_key_id = {KeyId}\naccess_key_secret = {KeySecret}\nsecurity_token = any", 0)]
    [InlineData($"type = ram_role_arn\naccess_key_id = {KeyId}\naccess_key_secret = {KeySecret}\nrole_arn = {RouterArn}\nrole_session_name = me", 1)]
    [InlineData($"type = oidc_role_arn\nrole_arn = {RouterArn}\noidc_provider_arn = {ProviderArn}\noidc_token_file_path = TOKEN", 1)]
    [InlineData("type = ecs_ram_role\nrole_name = FlannelRole", 0)]
    public async Task Every_type_of_the_SDKs_file_gives_a_key(string section, int assumed)
    {
        await using var cloud = await StartAsync();
        var path = home.Write(".alibabacloud/credentials", $"[default]\n{section.Replace("TOKEN", home.Write("token", OidcToken), StringComparison.Ordinal)}\n");
        var chain = Chain(cloud);
        await FoundAsync(chain);
        Assert.Equal($"profile default of {path}", chain.Provider);
        Assert.Equal(assumed, cloud.Cloud.Calls.All.Count(c => c.Service == "sts" && c.Status == 200));
    }

    [Theory]
    [InlineData("""{"name":"other","mode":"AK"}""", "there is no such profile")]
    [InlineData("""{"name":"p","mode":"AK"}""", "the profile holds no key")]
    [InlineData($$"""{"name":"p","mode":"StsToken",{{Key}}}""", "no security token")]
    [InlineData("""{"name":"p"}""", "neither mode nor type")]
    [InlineData("""{"name":"p","mode":"CloudSSO"}""", "not for a daemon")]
    [InlineData("""{"name":"p","mode":"External","process_command":"rm"}""", "not for a daemon")]
    [InlineData("""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"q","ram_role_arn":"acs:ram::1:role/r"}""", "there is no profile q")]
    public async Task A_profile_that_holds_nothing_lets_the_next_link_be_asked(string profiles, string why)
    {
        await using var cloud = await StartAsync();
        Write(profiles);
        var chain = Chain(cloud);
        await FoundAsync(chain);
        Assert.Equal("RAM role FlannelRole", chain.Provider);
        var link = Assert.Single(await chain.ExplainAsync(Token), l => l.Name.EndsWith(Config, StringComparison.Ordinal));
        Assert.Equal(CredentialLinkState.NotConfigured, link.State);
        Assert.Contains(why, link.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"p","mode":"ChainableRamRoleArn","source_profile":"p","ram_role_arn":"acs:ram::1:role/r"}""", "circle")]
    [InlineData("""{"name":"p","mode":"ChainableRamRoleArn","ram_role_arn":"acs:ram::1:role/r"}""", "names no source_profile")]
    [InlineData($$"""{"name":"p","mode":"RamRoleArn",{{Key}},"ram_role_arn":"hIdDeN"}""", "must be an ARN")]
    [InlineData($$"""{"name":"p","mode":"RamRoleArn",{{Key}},"ram_role_arn":"acs:ram::1:role/none"}""", "EntityNotExist.Role")]
    [InlineData("""{"name":"p","mode":"AK","access_key_id":"hIdDeN","access_key_secret":"hIdDeN hIdDeN"}""", "character that no key has")]
    [InlineData("{", "not valid JSON")]
    public async Task A_profile_that_is_wrong_ends_the_chain_with_a_line_that_quotes_nothing(string profiles, string why)
    {
        await using var cloud = await StartAsync();
        Write(profiles);
        var line = Assert.IsType<CredentialResult.Failed>(await Chain(cloud).GetAsync(Token)).Line;
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Contains(Config, line, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", line + string.Concat(cloud.Logger.Lines.Select(l => l.Text)), StringComparison.Ordinal);
        Assert.DoesNotContain(KeySecret, line + string.Concat(cloud.Logger.Lines.Select(l => l.Text)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_chooses_file_and_profile_and_switches_off()
    {
        await using var cloud = await StartAsync();
        Write($$"""{"name":"p","mode":"AK","access_key_id":"of-p","access_key_secret":"s"},{"name":"q","mode":"AK","access_key_id":"of-q","access_key_secret":"s"}""");
        var elsewhere = home.Write("elsewhere.json", """{"current":"x","profiles":[{"name":"x","mode":"AK","access_key_id":"of-x","access_key_secret":"s"}]}""");
        var ini = home.Write(".alibabacloud/credentials", "[default]\ntype=access_key\naccess_key_id=of-ini\naccess_key_secret=s\n");
        Assert.Equal("of-p", (await FoundAsync(Chain(cloud))).Id);
        Assert.Equal("of-q", (await FoundAsync(Chain(cloud, ("ALIBABA_CLOUD_PROFILE", "q")))).Id);
        Assert.Equal("of-x", (await FoundAsync(Chain(cloud, ("ALIBABA_CLOUD_CONFIG_FILE", elsewhere)))).Id);
        Assert.Equal("of-ini", (await FoundAsync(Chain(cloud, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")))).Id);
        Assert.Equal("of-ini", (await FoundAsync(Chain(cloud, ("HOME", ""), ("ALIBABA_CLOUD_CREDENTIALS_FILE", ini)))).Id);

        var links = await Chain(cloud, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "True")).ExplainAsync(Token);
        Assert.Contains(links, l => l is { Name: "~/.aliyun/config.json", State: CredentialLinkState.Disabled });
        File.WriteAllText(ini, "[default]\nenable=false\ntype=access_key\naccess_key_id=of-ini\naccess_key_secret=s\n");
        Assert.Contains(
            await Chain(cloud, ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")).ExplainAsync(Token),
            l => l.State == CredentialLinkState.Disabled && l.Name == $"profile default of {ini}");
    }

    [Fact]
    public async Task A_file_that_was_named_and_is_closed_is_a_failure_and_a_home_that_is_closed_is_not()
    {
        await using var cloud = await StartAsync();
        Directory.CreateDirectory(Config); // closed to root, too
        Assert.Equal("RAM role FlannelRole", await ProviderAsync(Chain(cloud)));
        Assert.Contains(
            "is a directory",
            Assert.IsType<CredentialResult.Failed>(await Chain(cloud, ("ALIBABA_CLOUD_CONFIG_FILE", Config)).GetAsync(Token)).Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ALIBABA_CLOUD_CONFIG_FILE")]
    [InlineData("ALIBABA_CLOUD_CREDENTIALS_FILE")]
    public async Task A_key_in_the_place_of_a_files_path_is_not_quoted(string variable)
    {
        await using var cloud = await StartAsync();
        foreach (var key in new[] { "hIdDeN", "{\"access_key_secret\":\n\"hIdDeN\"}" })
        {
            var chain = Chain(cloud, (variable, key));
            var line = Assert.IsType<CredentialResult.Failed>(await chain.GetAsync(Token)).Line;
            Assert.StartsWith("(not shown: ", line, StringComparison.Ordinal);
            Assert.EndsWith(" does not exist", line, StringComparison.Ordinal);
            var links = await chain.ExplainAsync(Token);
            Assert.DoesNotContain("hIdDeN", string.Concat(links.Select(link => link.Name + link.Detail)), StringComparison.Ordinal);
            Assert.DoesNotContain("hIdDeN", string.Concat(cloud.Logger.Lines.Select(line => line.Text)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_changed_profile_is_taken_over_and_a_broken_one_keeps_the_key()
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

    private static async Task<AccessKey> FoundAsync(CredentialChain chain) => Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token)).Key;

    private static async Task<string?> ProviderAsync(CredentialChain chain)
    {
        await FoundAsync(chain);
        return chain.Provider;
    }
}
