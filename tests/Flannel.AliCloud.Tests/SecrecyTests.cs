using AliCloud.Simulator.Observing;
using Flannel.AliCloud.Credentials;
using Flannel.AliCloud.Signing;
using Flannel.AliCloud.Tests.Support;
using static Flannel.AliCloud.Tests.Support.TestCloud;

namespace Flannel.AliCloud.Tests;

/// <summary>Uses all parts of the client, with successes and failures, at all log levels: no log line, error or printed value may contain a
/// secret.</summary>
public class SecrecyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_secret_is_in_any_log_line_error_or_printed_value()
    {
        await using var cloud = await StartAsync();
        var context = Contexts.Create(time: cloud.Clock, logger: cloud.Logger);
        var chain = cloud.Keep(CredentialChain.Create(null, ConfiguredCredentials.Empty, _ => null, cloud.Metadata("i-1"), context));
        List<string> seen = [];
        var found = Assert.IsType<CredentialResult.Found>(await chain.GetAsync(Token));
        var key = found.Key;
        seen.Add($"{found} {key} {new ProviderResult.Found(key)}");

        foreach (var credentials in new ICredentialSource[]
        {
            chain,
            StaticCredentials.Of(KeyId, KeySecret),
            StaticCredentials.Of(KeyId, "wrong-secret-of-the-test"), // the simulator also quotes the string that it signed
            new StaticCredentials(AccessKey.Create(key.Id, "wrong-secret-of-the-test", key.SecurityToken!.RevealText()).Value),
            new StaticCredentials(AccessKey.Create(key.Id, key.Secret.RevealText(), "wrong-token-of-the-test").Value),
        })
        {
            var api = cloud.ApiWith(credentials);
            seen.Add($"{await api.DescribeRouteEntryListAsync(Region, "vtb-1", Token)}");
            seen.Add($"{await api.DescribeVSwitchAttributesAsync(Region, "vsw-none", Token)}");
            seen.Add($"{await api.CreateRouteEntriesAsync(Region, [Route("10.24.1.0/24")], Token)}");
            var used = Assert.IsType<CredentialResult.Found>(await credentials.GetAsync(Token)).Key;
            var quoted = $"quoting {used.Secret.RevealText()} and {used.SecurityToken?.RevealText()}";
            cloud.Fail(FaultKind.Code, "DescribeVpcAttribute", "Throttling", f => f with { Message = quoted });
            seen.Add($"{await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)}");
            cloud.Cloud.Faults.Clear();
            cloud.Fail(FaultKind.DropConnection, "DescribeVpcAttribute");
            seen.Add($"{await api.DescribeVpcAttributeAsync(Region, "vpc-1", Token)}");
            cloud.Cloud.Faults.Clear();
        }

        await cloud.Cloud.StopApiAsync();
        seen.Add($"{await cloud.ApiWith(chain).DescribeVpcAttributeAsync(Region, "vpc-1", Token)}");
        await cloud.Cloud.StopMetadataAsync();
        seen.Add($"{await chain.RefreshAsync(key, Token)}");

        var all = string.Join('\n', seen.Concat(cloud.Logger.Lines.Select(l => l.Text)));
        Assert.Contains("SignatureDoesNotMatch", all, StringComparison.Ordinal);
        Assert.Contains("InvalidSecurityToken", all, StringComparison.Ordinal);
        string[] secrets =
        [
            KeySecret[..12], key.Secret.RevealText(), key.SecurityToken!.RevealText(), key.SecurityToken.RevealText()[..16],
                "wrong-secret-of-the-test",
            "wrong-token-of-the-test",
        ];
        foreach (var secret in secrets) Assert.DoesNotContain(secret, all, StringComparison.Ordinal);
    }
}
