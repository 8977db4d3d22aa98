using System.Diagnostics;
using Flannel.Core.Addresses;
using Flanneld.Host;

namespace Flanneld.Unit.Tests.Host;

public sealed class MasqueradeTests
{
    private static readonly string[] s_secrets = ["ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "FLANNELD_ETCD_PASSWORD", "https_proxy"];
    private static readonly Masquerade Masquerade = new(Ipv4Network.Parse("10.24.0.0/16"), Ipv4Network.Parse("10.24.5.0/24"), TimeProvider.System);

    [Fact]
    public void The_rules_are_upstreams_in_one_table_that_is_replaced_as_a_whole() =>
        Assert.Equal(
            """
            table ip flannel_ali_vpc
            delete table ip flannel_ali_vpc
            table ip flannel_ali_vpc {
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr 10.24.5.0/24 ip daddr 10.24.0.0/16 return
                ip saddr 10.24.0.0/16 ip daddr 10.24.5.0/24 return
                ip saddr != 10.24.0.0/16 ip daddr 10.24.5.0/24 return
                ip saddr 10.24.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
                ip saddr != 10.24.0.0/16 ip daddr 10.24.0.0/16 masquerade fully-random
              }
            }

            """,
            Masquerade.Rules);

    [Fact]
    public async Task Where_nft_cannot_do_it_one_line_says_what_is_needed()
    {
        // Neither a host without nft nor a process without CAP_NET_ADMIN may change rules; the test process must not either, so it asks for a check only.
        if (Environment.GetEnvironmentVariable("PATH") is { } path && path.Split(':').Any(folder => File.Exists(Path.Combine(folder, "nft"))))
        {
            using var check = Process.Start(new ProcessStartInfo("nft", ["--check", "-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
            await check.StandardInput.WriteAsync(Masquerade.Rules);
            check.StandardInput.Close();
            var error = await check.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await check.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(check.ExitCode == 0 || error.Contains("Operation not permitted", StringComparison.Ordinal), error);
            return;
        }

        var problem = await Masquerade.ApplyAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("--ip-masq needs the nft command: ", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_gets_the_rules_and_sees_nothing_of_our_environment_but_the_path()
    {
        var folder = Directory.CreateTempSubdirectory();
        var before = Environment.GetEnvironmentVariable("PATH");
        try
        {
            var nft = Path.Combine(folder.FullName, "nft");
            await File.WriteAllTextAsync(nft, "#!/bin/sh\nenv > \"$0.environment\"\ncat > \"$0.rules\"\n", TestContext.Current.CancellationToken);
            File.SetUnixFileMode(nft, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Environment.SetEnvironmentVariable("PATH", $"{folder.FullName}:{before}");
            foreach (var name in s_secrets) Environment.SetEnvironmentVariable(name, "hIdDeN");
            Assert.Null(await Masquerade.ApplyAsync(TestContext.Current.CancellationToken));
            Assert.Equal(Masquerade.Rules, await File.ReadAllTextAsync($"{nft}.rules", TestContext.Current.CancellationToken));
            var seen = await File.ReadAllLinesAsync($"{nft}.environment", TestContext.Current.CancellationToken);
            Assert.Contains($"PATH={folder.FullName}:{before}", seen);
            // The shell that plays nft adds these by itself.
            Assert.DoesNotContain(seen, line => line.Split('=')[0] is not ("PATH" or "PWD" or "OLDPWD" or "SHLVL" or "_"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("PATH", before);
            foreach (var name in s_secrets) Environment.SetEnvironmentVariable(name, null);
            folder.Delete(recursive: true);
        }
    }
}
