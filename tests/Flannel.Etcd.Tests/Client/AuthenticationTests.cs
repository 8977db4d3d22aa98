using Etcdserverpb;
using Flannel.AliCloud.Tests.Support;
using Flannel.Core.Leases;
using Flannel.Etcd.Client;
using Flannel.Etcd.Registry;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;

namespace Flannel.Etcd.Tests.Client;

public sealed class AuthenticationTests
{
    private const string Prefix = RegistryFixture.DefaultPrefix;
    private const string Password = "correct-horse-battery";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static RangeRequest Read { get; } = new() { Key = ByteString.CopyFromUtf8(Prefix + "/config") };

    [Fact]
    public async Task A_token_that_expires_is_renewed_without_a_failed_request()
    {
        await using var server = await StartAsync("--auth-token-ttl=2");
        var etcd = server.Connect(user: "flannel", password: Password);
        var fixture = new RegistryFixture(etcd, Prefix);
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1");
        // Longer than etcd keeps an unused token; whenever it drops the token, no request may fail.
        for (var i = 0; i < 3; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(3.5), Cancel);
            await etcd.RangeAsync(Read, Cancel);
        }

        await Task.Delay(TimeSpan.FromSeconds(3.5), Cancel);
        await WatchOnceAsync(etcd);
        Assert.Equal(held.Lease.Key, (await fixture.AcquireAsync("192.168.0.1")).Lease.Key);
    }

    [Fact]
    public async Task A_signed_token_that_expires_is_renewed_by_every_kind_of_request_without_a_failed_one()
    {
        var folder = Directory.CreateTempSubdirectory("flannel-jwt-");
        using var key = System.Security.Cryptography.RSA.Create(2048);
        var (privateKey, publicKey) = (Path.Combine(folder.FullName, "jwt.pem"), Path.Combine(folder.FullName, "jwt-public.pem"));
        await File.WriteAllTextAsync(privateKey, key.ExportRSAPrivateKeyPem(), Cancel);
        await File.WriteAllTextAsync(publicKey, key.ExportSubjectPublicKeyInfoPem(), Cancel);
        try
        {
            await using var server = await StartAsync(
                $"--auth-token=jwt,pub-key={publicKey},priv-key={privateKey},sign-method=RS256,ttl=3s");
            var logger = new RecordingLogger();
            var fixture = new RegistryFixture(server.Connect(logger, user: "flannel", password: Password), Prefix, logger);
            await fixture.PublishConfigAsync();
            var held = await fixture.AcquireAsync("192.168.0.1");
            await using var events = await fixture.HoldAsync(held);
            // A signed token expires after its time, whether it is used or not.
            await ExpireAsync();
            Assert.NotNull(await fixture.Direct.LeaseKeepAliveOnceAsync(held.Lease.EtcdLeaseId, Cancel));
            await ExpireAsync();
            var other = await fixture.GrantAsync(TimeSpan.FromMinutes(1));
            await ExpireAsync();
            // Outside the network, so that the node did not lease it.
            await fixture.PutLeaseAsync("10.25.9.0-24", "{}", other);
            await ExpireAsync();
            await WatchOnceAsync((EtcdConnection)fixture.Direct);
            await ExpireAsync();
            await fixture.Direct.LeaseRevokeAsync(other, Cancel);
            await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":26}""");
            await events.NextAsync<LeaseEvent.ConfigChanged>();
            Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Unavailable or LeaseEvent.Lost);
            Assert.DoesNotContain(logger.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        static Task ExpireAsync() => Task.Delay(TimeSpan.FromSeconds(3.5), Cancel);
    }

    [Fact]
    public async Task A_changed_password_file_is_used_for_the_next_authentication()
    {
        await using var server = await StartAsync();
        using var file = new PasswordFolder(Password);
        var fixture = new RegistryFixture(server.Connect(user: "flannel", passwordFile: file.Open()), Prefix);
        await fixture.PublishConfigAsync();
        var held = await fixture.AcquireAsync("192.168.0.1", manager: fixture.NewManager(TimeSpan.FromSeconds(30)));
        await using var events = await fixture.HoldAsync(held, margin: TimeSpan.FromSeconds(25));

        await server.ControlAsync("--user=root:root", "user", "delete", "flannel");
        await server.ControlAsync("--user=root:root", "user", "add", "flannel:another-password");
        await server.ControlAsync("--user=root:root", "user", "grant-role", "flannel", "flannel");
        await Eventually.IsAsync("the former password is rejected", async () =>
        {
            try
            {
                await fixture.Direct.RangeAsync(Read, Cancel);
                return false;
            }
            catch (EtcdException e)
            {
                return e.Kind == EtcdErrorKind.Unauthenticated;
            }
        });
        file.Write("another-password\n");
        await fixture.Direct.RangeAsync(Read, Cancel);
        var renewals = events.Seen.OfType<LeaseEvent.Renewed>().Count();
        await Eventually.IsAsync("the lease is renewed", () => events.Seen.OfType<LeaseEvent.Renewed>().Count() > renewals);
        await fixture.PublishConfigAsync("""{"Network":"10.24.0.0/16","SubnetLen":26}""");
        await events.NextAsync<LeaseEvent.ConfigChanged>();
        Assert.DoesNotContain(events.Seen, e => e is LeaseEvent.Expired or LeaseEvent.Lost);
    }

    [Fact]
    public void A_missing_or_empty_password_file_leaves_the_former_password_in_use_and_is_logged_once()
    {
        var logger = new RecordingLogger();
        using var file = new PasswordFolder("\uFEFFone\r\n");
        var password = file.Open(logger);
        Assert.Equal("one", password.Current().RevealText());
        file.Write("");
        Assert.Equal("one", password.Current().RevealText());
        Assert.Equal("one", password.Current().RevealText());
        Assert.Equal($"--etcd-password-file {file.Path} is empty; the former content stays in use", Assert.Single(logger.Lines).Text);
        File.Delete(file.Path);
        Assert.Equal("one", password.Current().RevealText());
        Assert.Equal($"--etcd-password-file {file.Path} does not exist; the former content stays in use", logger.Lines[^1].Text);
        file.Write("two");
        Assert.Equal("two", password.Current().RevealText());
        Assert.Equal(2, logger.Lines.Count);
        file.Write("");
        Assert.Equal($"--etcd-password-file {file.Path} is empty", PasswordFile.Open(file.Path, logger).Error);
    }

    [Fact]
    public async Task A_user_name_that_contains_the_password_is_sufficient()
    {
        await using var server = await StartAsync();
        await server.Connect(user: $"flannel:{Password}").RangeAsync(Read, Cancel);
    }

    [Fact]
    public async Task Tokens_are_renewed_after_a_restart_of_etcd_and_a_change_of_users()
    {
        await using var server = await StartAsync();
        var logger = new RecordingLogger();
        var etcd = server.Connect(logger, user: "flannel", password: Password);
        await etcd.RangeAsync(Read, Cancel);
        await server.KillAsync();
        await server.StartAgainAsync();
        await etcd.UntilReadAsync("etcd has recovered", Read, e => Assert.True(e.CanRecover, e.Message));
        await WatchOnceAsync(etcd);
        await server.ControlAsync("--user=root:root", "role", "add", "another");
        await etcd.RangeAsync(Read, Cancel);
        await server.ControlAsync("--user=root:root", "role", "add", "a-third");
        await WatchOnceAsync(etcd);
        Assert.DoesNotContain(logger.Lines, line => line.Text.Contains(Password, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_token_from_before_a_restore_of_etcd_delays_one_request_only()
    {
        await using var server = await StartAsync();
        var snapshot = Path.Combine(server.Folder, "snapshot");
        await server.ControlAsync("--user=root:root", "snapshot", "save", snapshot);
        // etcd's tokens name the entry of its log that they came from.
        for (var i = 0; i < 20; i++) await server.ControlAsync("--user=root:root", "put", "/elsewhere", "x");
        var etcd = server.Connect(user: "flannel", password: Password);
        await etcd.RangeAsync(Read, Cancel);

        await server.RestoreAsync(snapshot);
        Assert.Equal(EtcdErrorKind.TimedOut, (await FailAsync(etcd)).Kind);
        await etcd.RangeAsync(Read, Cancel);
        await WatchOnceAsync(etcd);
    }

    [Fact]
    public async Task A_wrong_password_no_password_and_a_forbidden_key_are_different_errors()
    {
        await using var server = await StartAsync();
        var wrong = await FailAsync(server.Connect(user: "flannel", password: "guess"));
        Assert.Equal(EtcdErrorKind.Unauthenticated, wrong.Kind);
        Assert.Contains("invalid user ID or password", wrong.Message, StringComparison.Ordinal);
        var none = await FailAsync(server.Connect());
        Assert.Equal(EtcdErrorKind.Unauthenticated, none.Kind);
        var etcd = server.Connect(user: "flannel", password: Password);
        var denied = await Assert.ThrowsAsync<EtcdException>(() =>
            etcd.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("/other") }, Cancel));
        Assert.Equal(EtcdErrorKind.PermissionDenied, denied.Kind);
        var watch = await Assert.ThrowsAsync<EtcdException>(() => WatchOnceAsync(etcd, "/other"));
        Assert.Equal(EtcdErrorKind.PermissionDenied, watch.Kind);
        Assert.All(new[] { wrong, none, denied, watch }, e => Assert.False(e.CanRecover));

        var result = await new RegistryFixture(server.Connect(), Prefix).TryAcquireAsync(RegistryFixture.Request("192.168.0.1"));
        var error = Assert.IsType<EtcdException>(Assert.IsType<AcquireResult.Rejected>(result).Error);
        Assert.Equal(EtcdErrorKind.Unauthenticated, error.Kind);
    }

    [Fact]
    public async Task A_user_is_accepted_by_an_etcd_without_authentication_and_used_once_it_is_enabled()
    {
        await using var server = await EtcdProcess.StartAsync();
        var etcd = server.Connect(user: "flannel", password: Password);
        await etcd.RangeAsync(Read, Cancel);
        await EnableAsync(server);
        await etcd.RangeAsync(Read, Cancel);
    }

    /// <summary>A password file in a directory of its own.</summary>
    private sealed class PasswordFolder : IDisposable
    {
        private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flannel-password-");

        public PasswordFolder(string password) => Write(password);

        public string Path => System.IO.Path.Combine(folder.FullName, "password");

        public void Write(string password) => File.WriteAllText(Path, password);

        public PasswordFile Open(RecordingLogger? logger = null) =>
            PasswordFile.Open(Path, logger ?? new RecordingLogger()).Value;

        public void Dispose() => folder.Delete(recursive: true);
    }

    private static async Task<EtcdProcess> StartAsync(params string[] arguments)
    {
        var server = await EtcdProcess.StartAsync("http", arguments);
        await EnableAsync(server);
        return server;
    }

    private static async Task EnableAsync(EtcdProcess server)
    {
        await server.ControlAsync("user", "add", "root:root");
        await server.ControlAsync("user", "grant-role", "root", "root");
        await server.ControlAsync("user", "add", $"flannel:{Password}");
        await server.ControlAsync("role", "add", "flannel");
        await server.ControlAsync("role", "grant-permission", "flannel", "readwrite", "--prefix=true", Prefix + "/");
        await server.ControlAsync("user", "grant-role", "flannel", "flannel");
        await server.ControlAsync("auth", "enable");
    }

    private static Task<EtcdException> FailAsync(EtcdConnection etcd) =>
        Assert.ThrowsAsync<EtcdException>(() => etcd.RangeAsync(Read, Cancel));

    private static async Task WatchOnceAsync(EtcdConnection etcd, string key = Prefix + "/config")
    {
        await foreach (var response in etcd.WatchAsync([new WatchCreateRequest { Key = ByteString.CopyFromUtf8(key) }], Cancel))
        {
            if (response.Created) return;
        }
    }
}
