using Flannel.Core;
using Flannel.Core.Tests;
using Flanneld.Clients;
using Flanneld.Options;
using Microsoft.Extensions.Logging.Abstractions;

namespace Flanneld.Tests.Options;

/// <summary>No message quotes a secret, whatever option it was given in and however it was written.</summary>
public sealed class SecretsInOptionsTests
{
    private const string Secret = "s3cretOfAnOperator";

    public static TheoryData<string> EndpointOptions { get; } = [.. Flags.All.Select(flag => flag.Name).Where(
        name => name.Contains("endpoint", StringComparison.Ordinal) || name == "kube-api-url")];

    /// <summary>The options that name a file which is read at the start.</summary>
    public static TheoryData<string> FileOptions { get; } = [.. Flags.All.Where(
        // The daemon reads or writes the others later, and then does not show them either (FileErrorTests, ConflistFileTests).
        flag => flag is
        {
            Argument: "FILE", HasVariable: true,
            Name: not ("subnet-file" or "install-cni-conf" or "kubeconfig-file" or "net-config-path")
        })
        .Select(flag => flag.Name)];

    [Theory]
    [MemberData(nameof(EndpointOptions))]
    public void An_endpoint_with_a_secret_is_not_quoted(string option) =>
        SecretEndpoints.With(Secret).Always(value => AssertNotQuoted(option, value), times: 3000);

    [Theory]
    [InlineData("etcd-prefix")]
    [InlineData("public-ip")]
    [InlineData("healthz-ip")]
    [InlineData("iface-can-reach")]
    [InlineData("healthz-port")]
    [InlineData("route-controller")]
    public void An_endpoint_in_the_wrong_option_is_not_quoted(string option) => SecretEndpoints.With(Secret).Always(value =>
    {
        // A path is quoted, because it is a valid value of some of these options.
        if (!value.Contains("/token/", StringComparison.Ordinal)) AssertNotQuoted(option, value);
    }, times: 3000);

    [Fact]
    public void An_endpoint_that_is_an_argument_of_its_own_is_not_quoted() => SecretEndpoints.With(Secret).Always(value =>
    {
        if (value.Contains("/token/", StringComparison.Ordinal)) return;
        foreach (var arguments in new string[][]
        {
            [value], ["check", value], [$"--etcd-endpoints{value}"], [$"--{value}"], [$"-{value}"], [$"--{value}=x"],
            ["--ip-masq", value], ["--", value], [$"--kube-api-url={value}"],
        })
            AssertWithoutSecret(CommandLine.Parse(arguments, new Dictionary<string, string>()));
    }, times: 3000);

    [Theory]
    [InlineData("--etcd-password", Secret, "--no-such-flag")]
    [InlineData("--etcd-password", "first half", Secret)]
    [InlineData("--etcd-username", "root:first half", Secret)]
    [InlineData("--etcd-password" + Secret)]
    [InlineData("-etcd-password:" + Secret)]
    [InlineData("--etcd-username" + Secret)]
    [InlineData("--etcd-username=root%3A" + Secret)]
    [InlineData("--etcd-username=:" + Secret)]
    public void A_password_is_not_quoted_however_it_was_mistyped(params string[] arguments)
    {
        var result = CommandLine.Parse(arguments, new Dictionary<string, string>());
        Assert.False(result.Ok);
        AssertWithoutSecret(result);
    }

    /// <summary>As from <c>FLANNELD_ETCD_KEYFILE="$(cat key.pem)"</c>.</summary>
    [Theory]
    [MemberData(nameof(FileOptions))]
    public void A_secret_in_place_of_a_path_is_not_quoted_when_the_file_cannot_be_read(string option)
    {
        foreach (var value in new[] { Secret, $"-----BEGIN PRIVATE KEY-----\nMIGH/{Secret}\n-----END", $"/{Secret}{new string('x', 256)}" })
        {
            var variable = Flags.All.Single(flag => flag.Name == option).EnvironmentName;
            foreach (var result in new[]
            {
                CommandLine.Parse([$"--{option}={value}", .. RequiredOptions(option)], new Dictionary<string, string>()),
                CommandLine.Parse(RequiredOptions(option), new Dictionary<string, string> { [variable] = value }),
            })
            {
                AssertWithoutSecret(result);
                var context = new ClientContext(
                    new Dictionary<string, string>(), NullLoggerFactory.Instance, TimeProvider.System, new Random(1));
                var error = Connections.Open(result.Value, context).Error!;
                Assert.Contains($"{option} (not shown: ", error, StringComparison.Ordinal);
                Assert.DoesNotContain(Secret, error, StringComparison.Ordinal);
                Assert.DoesNotContain('\n', error);
            }
        }
    }

    /// <summary>The other options that the option requires.</summary>
    private static string[] RequiredOptions(string option) => option switch
    {
        "etcd-cafile" => ["--etcd-endpoints=https://127.0.0.1:1"],
        "etcd-certfile" => ["--etcd-endpoints=https://127.0.0.1:1", "--etcd-keyfile=/dev/null"],
        "etcd-keyfile" => ["--etcd-endpoints=https://127.0.0.1:1", "--etcd-certfile=/etc/hostname"],
        "etcd-password-file" => ["--etcd-username=root"],
        _ => [],
    };

    private static void AssertNotQuoted(string option, string value)
    {
        AssertWithoutSecret(CommandLine.Parse([$"--{option}={value}"], new Dictionary<string, string>()));
        AssertWithoutSecret(CommandLine.Parse([$"-{option}", value], new Dictionary<string, string>()));
        var flag = Flags.All.Single(flag => flag.Name == option);
        AssertWithoutSecret(CommandLine.Parse([], new Dictionary<string, string> { [flag.EnvironmentName] = value }));
    }

    /// <summary>Accepted values are printed, too: in the first line of the log, in the report of <c>check</c>, and in warnings.</summary>
    private static void AssertWithoutSecret(Result<DaemonOptions> result)
    {
        Assert.DoesNotContain(Secret, result.Error ?? "", StringComparison.OrdinalIgnoreCase);
        if (!result.Ok) return;
        var options = result.Value;
        string[] all =
        [
            options.EtcdEndpoints, options.MetadataEndpoint, options.EtcdKeys.Prefix, $"{options.VpcEndpoint}{options.EcsEndpoint}",
            $"{options.StsEndpoint}{options.QuotasEndpoint}", $"{options.KubeApiUrl}", .. options.Warnings,
        ];
        foreach (var shown in all)
            Assert.DoesNotContain(Secret, shown, StringComparison.OrdinalIgnoreCase);
    }
}
