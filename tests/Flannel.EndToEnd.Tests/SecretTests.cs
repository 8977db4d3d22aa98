using System.Text.Json.Nodes;
using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>A secret is in no output, no lease and no status, for every source of credentials and at the highest log level.</summary>
public sealed class SecretTests : EndToEndTest
{
    private const string EtcdPassword = $"Etcd{SecretScanner.Marker}77";

    [Theory]
    [InlineData("environment")]
    [InlineData("legacy environment")]
    [InlineData("file")]
    [InlineData("config")]
    [InlineData("role")]
    [InlineData("systemd")]
    [InlineData("oidc")]
    [InlineData("profile")]
    [InlineData("sdk profile")]
    [InlineData("uri")]
    [InlineData("role of another account")]
    public async Task A_secret_is_never_printed(string source)
    {
        await StartVpcAsync(1, new CloudSetup
        {
            Instances = CloudSetup.MakeInstances(1),
            HasRole = source is "role" or "role of another account" or "uri",
            IsRoleAssumed = source is "oidc" or "profile" or "role of another account",
        }, publishConfig: false);
        var instance = Vpc.Instances[0];
        await Vpc.PublishConfigAsync(Cancel, ConfigOf(source));
        var health = instance.FreePort();
        string[] arguments =
            [.. await ArgumentsAsync(source, instance), "-v=10", "--healthz-ip=127.0.0.1", $"--healthz-port={health}"];
        var daemon = await instance.StartDaemonAsync(arguments, await EnvironmentOfAsync(source, instance));
        await daemon.WaitForReadyAsync(Cancel);
        using var http = instance.CreateHttpClient(health);
        var pages = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancel)
            + await http.GetStringAsync(new Uri("/readyz?verbose", UriKind.Relative), Cancel);
        var keys = await Vpc.Etcd.Keys.ListAsync($"{TestVpc.Prefix}/", Cancel);
        var leases = string.Join('\n', keys.Where(key => !key.Key.EndsWith("/config", StringComparison.Ordinal)).Select(key => key.Value));
        await daemon.StopAsync(Cancel);

        foreach (var secret in await SecretsAsync(source, instance))
        {
            Assert.DoesNotContain(secret, daemon.AllOutput, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, pages, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, leases, StringComparison.Ordinal);
        }
        Assert.False(SecretScanner.ContainsSecret(daemon.AllOutput + pages + leases));
        Assert.Contains(await Vpc.Control.ApiCallsAsync(Cancel), call => call.Action is "CreateRouteEntries" or "CreateRouteEntry");
        Assert.Contains(LoggedSource(source), daemon.AllOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_secret_is_never_printed()
    {
        await StartVpcAsync(1, new CloudSetup { Instances = CloudSetup.MakeInstances(1), HasRole = false });
        const string wrong = $"Wrong{SecretScanner.Marker}88xxxx";
        var daemon = await Vpc.Instances[0].StartDaemonAsync(["-v=10"], new Dictionary<string, string>
        {
            ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = CloudSetup.AccessKeyId,
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = wrong,
        });
        await daemon.WaitForLogAsync("SignatureDoesNotMatch", Cancel);
        await daemon.StopAsync(Cancel);
        Assert.DoesNotContain(wrong, daemon.AllOutput, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_etcd_password_is_never_printed()
    {
        Require.NativeExecutable();
        string[][] commandLines =
        [
            ["--etcd-password", EtcdPassword], [$"--etcd-password={EtcdPassword}", "--no-such-flag"],
            ["--etcd-username", $"u:{EtcdPassword}", "--healthz-port=x"],
        ];
        foreach (var arguments in commandLines)
        {
            await using var daemon = await ChildProcess.StartAsync(new ProgramStart(Locations.Flanneld,
                ["--etcd-endpoints=http://127.0.0.1:1", "--metadata-endpoint=http://127.0.0.1:1", "-v=10", .. arguments])
            { Environment = new Dictionary<string, string>() });
            await Eventually.IsAsync(
                "flanneld prints a line",
                () => Task.FromResult(daemon.HasExited || daemon.StandardError.Contains('\n', StringComparison.Ordinal)), Cancel);
            daemon.Terminate();
            await daemon.WaitForExitAsync(Cancel);
            Assert.DoesNotContain(EtcdPassword, daemon.StandardOutput + daemon.StandardError, StringComparison.Ordinal);
        }
    }

    private static string ConfigOf(string source) => source switch
    {
        "config" => $$$"""
            {"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc",
            "AccessKeyID":"{{{CloudSetup.AccessKeyId}}}","AccessKeySecret":"{{{CloudSetup.AccessKeySecret}}}"}}
            """,
        "role of another account" =>
            $$$"""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RoleArn":"{{{CloudSetup.OtherRoleArn}}}"}}""",
        _ => TestVpc.Config,
    };

    /// <summary>The log message that names the source of the key.</summary>
    private static string LoggedSource(string source) => "using credentials from " + source switch
    {
        "environment" => "environment variable ALIBABA_CLOUD_ACCESS_KEY_ID",
        "legacy environment" => "environment variable ACCESS_KEY_ID",
        "file" => "access key file ",
        "config" => "AccessKeyID of the network config",
        "systemd" => "systemd credential access-key",
        "oidc" => $"RAM role {CloudSetup.OtherRoleArn} with an OIDC token",
        "profile" => "profile here of ",
        "sdk profile" => "profile default of ",
        "uri" => "ALIBABA_CLOUD_CREDENTIALS_URI",
        "role" => $"RAM role {CloudSetup.RoleName}",
        _ => $"RAM role {CloudSetup.OtherRoleArn} with the key of RAM role {CloudSetup.RoleName}",
    };

    private static async Task<Dictionary<string, string>?> EnvironmentOfAsync(string source, EcsInstance instance) => source switch
    {
        "systemd" => new()
        {
            ["CREDENTIALS_DIRECTORY"] = Path.GetDirectoryName(await WriteAsync(
                instance, "unit/access-key", $"AccessKeyId={CloudSetup.AccessKeyId}\nAccessKeySecret={CloudSetup.AccessKeySecret}\n"))!,
        },
        "oidc" => new()
        {
            ["ALIBABA_CLOUD_ROLE_ARN"] = CloudSetup.OtherRoleArn,
            ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] = CloudSetup.OidcProviderArn,
            ["ALIBABA_CLOUD_OIDC_TOKEN_FILE"] = await WriteAsync(instance, "oidc-token", CloudSetup.OidcToken),
        },
        "profile" => new()
        {
            ["HOME"] = instance.Folder,
            ["UNUSED"] = await WriteAsync(instance, ".aliyun/config.json", $$"""
                {"current":"here","profiles":[
                  {"name":"base","mode":"AK","access_key_id":"{{CloudSetup.AccessKeyId}}",
                   "access_key_secret":"{{CloudSetup.AccessKeySecret}}"},
                  {"name":"here","mode":"ChainableRamRoleArn","source_profile":"base","ram_role_arn":"{{CloudSetup.OtherRoleArn}}"}]}
                """),
        },
        "sdk profile" => new()
        {
            ["ALIBABA_CLOUD_CREDENTIALS_FILE"] = await WriteAsync(
                instance, "credentials",
                $"[default]\ntype = access_key\naccess_key_id = {CloudSetup.AccessKeyId}\n"
                + $"access_key_secret = {CloudSetup.AccessKeySecret}\n"),
        },
        "uri" => new()
        {
            ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true",
            ["ALIBABA_CLOUD_CREDENTIALS_URI"] = $"{MetadataOf(instance)}/latest/meta-data/ram/security-credentials/{CloudSetup.RoleName}",
        },
        "environment" => new()
        {
            ["ALIBABA_CLOUD_ACCESS_KEY_ID"] = CloudSetup.AccessKeyId,
            ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = CloudSetup.AccessKeySecret,
        },
        "legacy environment" => new() { ["ACCESS_KEY_ID"] = CloudSetup.AccessKeyId, ["ACCESS_KEY_SECRET"] = CloudSetup.AccessKeySecret },
        _ => null,
    };

    private static async Task<string[]> ArgumentsAsync(string source, EcsInstance instance)
    {
        if (source != "file")
        {
            return [];
        }
        var json = $$"""{"AccessKeyId":"{{CloudSetup.AccessKeyId}}","AccessKeySecret":"{{CloudSetup.AccessKeySecret}}"}""";
        return [$"--access-key-file={await WriteAsync(instance, "access-key.json", json)}"];
    }

    /// <summary>Writes a file that the daemon's user may read, and returns its path.</summary>
    private static async Task<string> WriteAsync(EcsInstance instance, string name, string text)
    {
        var path = Path.Combine(instance.Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text, Cancel);
        return path;
    }

    private static string MetadataOf(EcsInstance instance) => instance.Namespace is not null
        ? $"http://{VpcTopology.MetadataAddress}"
        : instance.Arguments.Single(argument => argument.StartsWith("--metadata-endpoint=", StringComparison.Ordinal))
            ["--metadata-endpoint=".Length..];

    private static async Task<IReadOnlyList<string>> SecretsAsync(string source, EcsInstance instance)
    {
        if (source != "role")
        {
            return [CloudSetup.AccessKeySecret];
        }
        var address = MetadataOf(instance);
        using (var client = instance.Namespace?.CreateHttpClient(new Uri(address)) ?? new HttpClient())
        {
            var url = new Uri($"{address}/latest/meta-data/ram/security-credentials/{CloudSetup.RoleName}");
            var credentials = JsonNode.Parse(await client.GetStringAsync(url, Cancel))!;
            return [credentials["AccessKeySecret"]!.GetValue<string>(), credentials["SecurityToken"]!.GetValue<string>()];
        }
    }
}
