using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A secret is in no output, no lease and no status, however it came and however much is logged.</summary>
public sealed class SecretTests : EndToEndTest
{
    private const string EtcdPassword = $"Etcd{SecretWatch.Mark}77";

    [Theory]
    [InlineData("environment")]
    [InlineData("old environment")]
    [InlineData("file")]
    [InlineData("config")]
    [InlineData("role")]
    [InlineData("systemd")]
    [InlineData("oidc")]
    [InlineData("profile")]
    [InlineData("sdk profile")]
    [InlineData("uri")]
    [InlineData("role of another account")]
    public async Task A_secret_is_never_printed(string way)
    {
        await StartVpcAsync(1, new World
        {
            Instances = World.MakeInstances(1),
            HasRole = way is "role" or "role of another account" or "uri",
            IsRoleAssumed = way is "oidc" or "profile" or "role of another account",
        }, publishConfig: false);
        var instance = Vpc.Instances[0];
        await Vpc.PublishConfigAsync(Cancel, way == "config"
            ? $$"""{ "Network": "10.24.0.0/16", "Backend": { "Type": "ali-vpc", "AccessKeyID": "{{World.AccessKeyId}}", "AccessKeySecret": "{{World.AccessKeySecret}}" } }"""
            : way == "role of another account" ? $$"""{ "Network": "10.24.0.0/16", "Backend": { "Type": "ali-vpc", "RoleArn": "{{World.OtherRoleArn}}" } }"""
            : TestVpc.Config);
        var health = instance.FreePort();
        var daemon = await instance.StartDaemonAsync([.. await ArgumentsAsync(way, instance), "-v=10", "--healthz-ip=127.0.0.1", $"--healthz-port={health}"], await EnvironmentOfAsync(way, instance));
        await daemon.WaitForReadyAsync(Cancel);
        using var http = instance.CreateHttpClient(health);
        var pages = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancel) + await http.GetStringAsync(new Uri("/readyz?verbose", UriKind.Relative), Cancel);
        var leases = string.Join('\n', (await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/", Cancel)).Where(key => !key.Key.EndsWith("/config", StringComparison.Ordinal)).Select(key => key.Value));
        await daemon.StopAsync(Cancel);

        foreach (var secret in await SecretsAsync(way, instance))
        {
            Assert.DoesNotContain(secret, daemon.Everything, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, pages, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, leases, StringComparison.Ordinal);
        }
        Assert.False(SecretWatch.Holds(daemon.Everything + pages + leases));
        Assert.Contains(await Vpc.Control.ApiCallsAsync(Cancel), call => call.Action == "CreateRouteEntries" || call.Action == "CreateRouteEntry");
        Assert.Contains(Announced(way), daemon.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_is_one_that_the_cloud_refuses()
    {
        await StartVpcAsync(1, new World { Instances = World.MakeInstances(1), HasRole = false });
        const string wrong = $"Wrong{SecretWatch.Mark}88xxxx";
        var daemon = await Vpc.Instances[0].StartDaemonAsync(["-v=10"], new Dictionary<string, string>
        {
            ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = World.AccessKeyId,
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = wrong,
        });
        await daemon.WaitForLogAsync("SignatureDoesNotMatch", Cancel);
        await daemon.StopAsync(Cancel);
        Assert.DoesNotContain(wrong, daemon.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nor_is_etcds_password()
    {
        Needs.NativeExecutable();
        foreach (var arguments in new string[][] { ["--etcd-password", EtcdPassword], [$"--etcd-password={EtcdPassword}", "--no-such-flag"], ["--etcd-username", $"u:{EtcdPassword}", "--healthz-port=x"] })
        {
            await using var daemon = await ChildProcess.StartAsync(new ProgramStart(Locations.Flanneld,
                ["--etcd-endpoints=http://127.0.0.1:1", "--metadata-endpoint=http://127.0.0.1:1", "-v=10", .. arguments])
            { Environment = new Dictionary<string, string>() });
            await Eventually.IsAsync("it says something", () => Task.FromResult(daemon.HasExited || daemon.StandardError.Contains('\n', StringComparison.Ordinal)), Cancel);
            daemon.Terminate();
            await daemon.WaitForExitAsync(Cancel);
            Assert.DoesNotContain(EtcdPassword, daemon.StandardOutput + daemon.StandardError, StringComparison.Ordinal);
        }
    }

    /// <summary>What the log says once of where the key comes from.</summary>
    private static string Announced(string way) => "Credentials: " + way switch
    {
        "environment" => "environment variable ALIBABA_CLOUD_ACCESS_KEY_ID",
        "old environment" => "environment variable ACCESS_KEY_ID",
        "file" => "access key file ",
        "config" => "AccessKeyID of the network config",
        "systemd" => "systemd credential access-key",
        "oidc" => $"RAM role {World.OtherRoleArn} with an OIDC token",
        "profile" => "profile here of ",
        "sdk profile" => "profile default of ",
        "uri" => "ALIBABA_CLOUD_CREDENTIALS_URI",
        "role" => $"RAM role {World.RoleName}",
        _ => $"RAM role {World.OtherRoleArn} with the key of RAM role {World.RoleName}",
    };

    private static async Task<Dictionary<string, string>?> EnvironmentOfAsync(string way, EcsInstance instance) => way switch
    {
        "systemd" => new() { ["CREDENTIALS_DIRECTORY"] = Path.GetDirectoryName(await WriteAsync(instance, "unit/access-key", $"AccessKeyId={World.AccessKeyId}\nAccessKeySecret={World.AccessKeySecret}\n"))! },
        "oidc" => new()
        {
            ["ALIBABA_CLOUD_ROLE_ARN"] = World.OtherRoleArn,
            ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] = World.OidcProviderArn,
            ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = await WriteAsync(instance, "oidc-token", World.OidcToken),
        },
        "profile" => new()
        {
            ["HOME"] = instance.Folder,
            ["UNUSED"] = await WriteAsync(instance, ".aliyun/config.json", $$"""
                {"current":"here","profiles":[
                  {"name":"base","mode":"AK","access_key_id":"{{World.AccessKeyId}}","access_key_secret":"{{World.AccessKeySecret}}"},
                  {"name":"here","mode":"ChainableRamRoleArn","source_profile":"base","ram_role_arn":"{{World.OtherRoleArn}}"}]}
                """),
        },
        "sdk profile" => new()
        {
            ["ALIBABA_CLOUD_CREDENTIALS_FILE"] = await WriteAsync(
                instance, "credentials", $"[default]\ntype = access_key\naccess_key_id = {World.AccessKeyId}\naccess_key_secret = {World.AccessKeySecret}\n"),
        },
        "uri" => new()
        {
            ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true",
            ["ALIBABA_CLOUD_CREDENTIALS_URI"] = $"{MetadataOf(instance)}/latest/meta-data/ram/security-credentials/{World.RoleName}",
        },
        "environment" => new() { ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = World.AccessKeyId, ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = World.AccessKeySecret },
        "old environment" => new() { ["ACCESS_KEY_ID"] = World.AccessKeyId, ["ACCESS_KEY_SECRET"] = World.AccessKeySecret },
        _ => null,
    };

    private static async Task<string[]> ArgumentsAsync(string way, EcsInstance instance)
    {
        if (way != "file")
        {
            return [];
        }
        return [$"--access-key-file={await WriteAsync(instance, "access-key.json", $$"""{"AccessKeyId":"{{World.AccessKeyId}}","AccessKeySecret":"{{World.AccessKeySecret}}"}""")}"];
    }

    /// <summary>A file that the daemon's user may read; its path.</summary>
    private static async Task<string> WriteAsync(EcsInstance instance, string name, string text)
    {
        var path = Path.Combine(instance.Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text, Cancel);
        return path;
    }

    private static string MetadataOf(EcsInstance instance) => instance.Namespace is not null
        ? $"http://{VpcTopology.MetadataAddress}"
        : instance.Arguments.Single(argument => argument.StartsWith("--metadata-endpoint=", StringComparison.Ordinal))["--metadata-endpoint=".Length..];

    private static async Task<IReadOnlyList<string>> SecretsAsync(string way, EcsInstance instance)
    {
        if (way != "role")
        {
            return [World.AccessKeySecret];
        }
        var address = MetadataOf(instance);
        using (var client = instance.Namespace?.CreateHttpClient(new Uri(address)) ?? new HttpClient())
        {
            var credentials = JsonNode.Parse(await client.GetStringAsync(new Uri($"{address}/latest/meta-data/ram/security-credentials/{World.RoleName}"), Cancel))!;
            return [credentials["AccessKeySecret"]!.GetValue<string>(), credentials["SecurityToken"]!.GetValue<string>()];
        }
    }
}
