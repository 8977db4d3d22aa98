using System.Net;
using Etcdserverpb;
using Flannel.AliCloud.Tests.Support;
using Flannel.Etcd.Client;
using Flannel.Etcd.Tests.Fixtures;
using Google.Protobuf;

namespace Flannel.Etcd.Tests.Client;

public sealed class TlsTests : IDisposable
{
    // Created by openssl req -x509 -newkey ed25519, because .NET has no Ed25519.
    private const string Ed25519Certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBODCB66ADAgECAhRaKwudLG401/TbnPe6yG2xSkZebDAFBgMrZXAwETEPMA0G
        A1UEAwwGY2xpZW50MCAXDTI2MTEyNjIyMTk0N1oYDzIxMjYxMTAyMjIxOTQ3WjAR
        MQ8wDQYDVQQDDAZjbGllbnQwKjAFBgMrZXADIQDZdYQ6pcz5uOxGqQEluOnb06b3
        Gjos/O9Kt1XIVIapyqNTMFEwHQYDVR0OBBYEFLtLbRZy0gzGPUWRoSgaVmNhKVtL
        MB8GA1UdIwQYMBaAFLtLbRZy0gzGPUWRoSgaVmNhKVtLMA8GA1UdEwEB/wQFMAMB
        Af8wBQYDK2VwA0EABdIkdDWkhfHXYipbqlG8aCV9Yr2epvbt8RRsVgUolNjS0yjf
        EIOloFZ9Ix93+LHeoyAEG7wRbVYJy02dhI4EDg==
        -----END CERTIFICATE-----
        """;

    private const string Ed25519Key = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIFbydmf3ZzVxG/eRrasYJSOlpNSvptA0wcn5oI8ZxriL
        -----END PRIVATE KEY-----
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("flannel-tls-").FullName;
    private readonly Certificates trusted;
    private readonly Certificates untrusted;
    private readonly CertificateFiles server;

    public TlsTests()
    {
        trusted = new Certificates(folder, "our-ca");
        untrusted = new Certificates(folder, "other-ca");
        server = trusted.Sign("server", address: IPAddress.Loopback);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static RangeRequest Read { get; } = new() { Key = ByteString.CopyFromUtf8("/x") };

    [Fact]
    public async Task A_CA_file_is_sufficient_for_a_server_that_requires_no_client_certificate()
    {
        await using var etcd = await StartAsync(server);
        await etcd.Connect(ca: trusted.AuthorityFile).RangeAsync(Read, Cancel);
    }

    [Fact]
    public async Task Mutual_TLS_works_and_a_missing_client_certificate_is_reported_in_one_line()
    {
        await using var etcd = await StartAsync(server, $"--trusted-ca-file={trusted.AuthorityFile}", "--client-cert-auth");
        var (cert, key) = trusted.Sign("client");
        await etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: key).RangeAsync(Read, Cancel);
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile),
            "etcd rejected the connection: it requires a client certificate (etcd-certfile, etcd-keyfile)");
        (cert, key) = untrusted.Sign("other-client");
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: key), $"etcd rejected the client certificate {cert}");
    }

    [Fact]
    public async Task Each_problem_of_a_server_certificate_is_reported_in_one_line()
    {
        await using (var etcd = await StartAsync(server))
        {
            await FailsAsync(etcd.Connect(ca: untrusted.AuthorityFile),
                "is signed by 'CN=our-ca', which is not among etcd-cafile " + untrusted.AuthorityFile);
            await FailsAsync(etcd.Connect(), "is signed by 'CN=our-ca', which is not among the system's authorities");
            await FailsAsync(
                etcd.Connect(endpoints: etcd.Endpoint.Replace("127.0.0.1", "localhost", StringComparison.Ordinal),
                    ca: trusted.AuthorityFile),
                "is for another name: server, 127.0.0.1");
        }

        await using (var etcd = await StartAsync(trusted.Sign("expired", expired: true, address: IPAddress.Loopback)))
            await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile), "is not valid now: 'CN=expired' is valid from");
        await using (var etcd = await StartAsync(trusted.Sign("early", notYet: true, address: IPAddress.Loopback)))
            await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile), "is not valid now: 'CN=early' is valid from");
    }

    [Fact]
    public async Task Each_problem_of_the_TLS_files_is_reported_in_one_line()
    {
        await using var etcd = await StartAsync(server);
        var (cert, key) = trusted.Sign("client");
        var (_, otherKey) = trusted.Sign("other-client");
        var empty = Path.Combine(folder, "empty.pem");
        await File.WriteAllTextAsync(empty, "", Cancel);
        var encrypted = Path.Combine(folder, "encrypted.pem");
        await File.WriteAllTextAsync(encrypted,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n", Cancel);
        var missing = Path.Combine(folder, "missing.pem");
        await FailsAsync(etcd.Connect(ca: missing), $"etcd-cafile {missing} does not exist");
        await FailsAsync(etcd.Connect(ca: folder), $"etcd-cafile {folder} is a directory");
        var damaged = Path.Combine(folder, "damaged.pem");
        await File.WriteAllTextAsync(damaged, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", Cancel);
        await FailsAsync(etcd.Connect(ca: damaged), $"etcd-cafile {damaged} holds a certificate that cannot be read");
        await FailsAsync(etcd.Connect(ca: empty), $"etcd-cafile {empty} holds no certificate in PEM form");
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile, cert: missing, key: key), $"etcd-certfile {missing} does not exist");
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: empty),
            $"etcd-keyfile {empty} holds no private key in PEM form");
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: otherKey),
            $"etcd-keyfile {otherKey} does not belong to the certificate in {cert}");
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: encrypted), $"etcd-keyfile {encrypted} is encrypted");
    }

    [Fact]
    public async Task An_unsupported_type_of_key_is_named()
    {
        var (cert, key) = (Path.Combine(folder, "ed.pem"), Path.Combine(folder, "ed-key.pem"));
        await File.WriteAllTextAsync(cert, Ed25519Certificate, Cancel);
        await File.WriteAllTextAsync(key, Ed25519Key, Cancel);
        await using var etcd = await StartAsync(server);
        await FailsAsync(
            etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: key),
            $"etcd-certfile {cert} has a key of type Ed25519, which flanneld does not support; use an RSA or ECDSA key");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Of_two_authorities_with_the_same_subject_the_issuer_is_found_in_either_order(bool rightFirst, bool keyIdentifiers)
    {
        using var right = new Certificates(folder, "right", subject: "one-name", keyIdentifiers: keyIdentifiers);
        using var wrong = new Certificates(folder, "wrong", subject: "one-name", keyIdentifiers: keyIdentifiers);
        var both = Path.Combine(folder, "both.pem");
        Certificates[] order = rightFirst ? [right, wrong] : [wrong, right];
        var certificates = order.Select(authority => File.ReadAllText(authority.AuthorityFile) + "\n");
        await File.WriteAllTextAsync(both, string.Concat(certificates), Cancel);
        await using var etcd = await StartAsync(right.Sign("member", address: IPAddress.Loopback));
        await etcd.Connect(ca: both).RangeAsync(Read, Cancel);
        await FailsAsync(etcd.Connect(ca: wrong.AuthorityFile), "is signed by 'CN=one-name'");
    }

    [Fact]
    public async Task A_wrong_scheme_is_an_error_and_does_not_hang()
    {
        await using (var plain = await EtcdProcess.StartAsync())
        {
            var https = plain.Connect(endpoints: plain.Endpoint.Replace("http:", "https:", StringComparison.Ordinal),
                ca: trusted.AuthorityFile);
            var closed = await Assert.ThrowsAsync<EtcdException>(() => https.RangeAsync(Read, Cancel));
            Assert.Contains("does it speak https?", closed.Message, StringComparison.Ordinal);
        }

        await using var secure = await StartAsync(server);
        var http = secure.Connect(endpoints: secure.Endpoint.Replace("https:", "http:", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<EtcdException>(() => http.RangeAsync(Read, Cancel));
        Assert.Equal(EtcdErrorKind.Unavailable, error.Kind);
        Assert.Matches("speaks? https", error.Message);
    }

    [Fact]
    public async Task Files_that_change_are_read_again_for_the_next_handshake()
    {
        await using var etcd = await StartAsync(server, $"--trusted-ca-file={trusted.AuthorityFile}", "--client-cert-auth");
        var (cert, key) = untrusted.Sign("client");
        var connection = etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: key);
        await Assert.ThrowsAsync<EtcdException>(() => connection.RangeAsync(Read, Cancel));
        trusted.Sign("client");
        await connection.RangeAsync(Read, Cancel);
    }

    [Fact]
    public async Task Authority_and_certificates_may_change_during_a_connection()
    {
        var (ca, cert, key) = (Path.Combine(folder, "ca.pem"), Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"));
        Use(trusted);
        var member = new CertificateFiles(Path.Combine(folder, "member.pem"), Path.Combine(folder, "member-key.pem"));
        await using var etcd = await StartAsync(member, $"--trusted-ca-file={ca}", "--client-cert-auth");
        var connection = etcd.Connect(ca: ca, cert: cert, key: key);
        await connection.RangeAsync(Read, Cancel);
        Use(untrusted);
        // The files are not read again for an open connection.
        await connection.RangeAsync(Read, Cancel);
        // A member reads its authority when it starts. From then on both sides trust only the new one.
        await etcd.KillAsync();
        await etcd.StartAgainAsync();
        await connection.UntilReadAsync("the new files are used", Read, e => Assert.Equal(EtcdErrorKind.Unavailable, e.Kind));
        await FailsAsync(etcd.Connect(ca: trusted.AuthorityFile, cert: cert, key: key), "is signed by 'CN=other-ca'");

        void Use(Certificates authority)
        {
            File.Copy(authority.AuthorityFile, ca, overwrite: true);
            authority.Sign("member", address: IPAddress.Loopback);
            var client = authority.Sign("client");
            File.Copy(client.Cert, cert, overwrite: true);
            File.Copy(client.Key, key, overwrite: true);
        }
    }

    [Fact]
    public async Task Files_that_are_missing_or_empty_while_they_are_replaced_leave_the_former_ones_in_use()
    {
        var logger = new RecordingLogger();
        await using var etcd = await StartAsync(server, $"--trusted-ca-file={trusted.AuthorityFile}", "--client-cert-auth");
        await using var gateway = new TcpGateway(etcd.Endpoint, Timeout.InfiniteTimeSpan);
        var (cert, key) = trusted.Sign("client");
        var ca = Path.Combine(folder, "ca.pem");
        File.Copy(trusted.AuthorityFile, ca);
        var connection = etcd.Connect(
            logger, gateway.Endpoint.Replace("http:", "https:", StringComparison.Ordinal), ca: ca, cert: cert, key: key);
        await connection.RangeAsync(Read, Cancel);
        File.Delete(key);
        await AnotherHandshakeAsync();
        await AnotherHandshakeAsync();
        Assert.Equal([$"etcd-keyfile {key} does not exist; the former content stays in use"], Logged());
        trusted.Sign("client");
        await File.WriteAllTextAsync(ca, "", Cancel);
        await AnotherHandshakeAsync();
        Assert.Equal($"etcd-cafile {ca} holds no certificate in PEM form; the former content stays in use", Logged()[1]);
        File.Copy(trusted.AuthorityFile, ca, overwrite: true);
        await AnotherHandshakeAsync();
        Assert.Equal(2, Logged().Count);

        List<string> Logged() => [.. logger.Lines.Where(line => line.Id == 2006).Select(line => line.Text)];

        Task AnotherHandshakeAsync()
        {
            gateway.CloseAll();
            // The request that finds the connection closed fails.
            return connection.UntilReadAsync("etcd responds", Read, e => Assert.Equal(EtcdErrorKind.Unavailable, e.Kind));
        }
    }

    [Fact]
    public async Task Files_behind_links_are_read_again_when_their_target_changes()
    {
        // As Kubernetes mounts a secret: the files are links through a link that is swapped.
        var mount = Directory.CreateDirectory(Path.Combine(folder, "mount")).FullName;
        foreach (var (name, authority) in new[] { ("old", untrusted), ("new", trusted) })
            File.Copy(authority.AuthorityFile, Path.Combine(Directory.CreateDirectory(Path.Combine(mount, name)).FullName, "ca.crt"));
        Directory.CreateSymbolicLink(Path.Combine(mount, "..data"), "old");
        var ca = File.CreateSymbolicLink(Path.Combine(mount, "ca.crt"), "..data/ca.crt").FullName;
        await using var etcd = await StartAsync(server);
        var connection = etcd.Connect(ca: ca);
        await FailsAsync(connection, "is signed by 'CN=our-ca', which is not among etcd-cafile " + ca);
        Directory.Delete(Path.Combine(mount, "..data"));
        Directory.CreateSymbolicLink(Path.Combine(mount, "..data"), "new");
        await connection.RangeAsync(Read, Cancel);
    }

    [Fact]
    public async Task An_intermediate_authority_in_the_CA_file_is_trusted()
    {
        using var root = System.Security.Cryptography.ECDsa.Create();
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=root", root,
            System.Security.Cryptography.HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new System.Security.Cryptography.X509Certificates.X509BasicConstraintsExtension(true, false, 0, true));
        using var rootCertificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10));
        using var between = new Certificates(folder, "between", rootCertificate);
        await using var etcd = await StartAsync(between.Sign("server2", address: IPAddress.Loopback));
        await etcd.Connect(ca: between.AuthorityFile).RangeAsync(Read, Cancel);
    }

    public void Dispose()
    {
        trusted.Dispose();
        untrusted.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static Task<EtcdProcess> StartAsync(CertificateFiles files, params string[] arguments) =>
        EtcdProcess.StartAsync("https", [$"--cert-file={files.Cert}", $"--key-file={files.Key}", .. arguments]);

    private static async Task FailsAsync(EtcdConnection etcd, string why)
    {
        var error = await Assert.ThrowsAsync<EtcdException>(() => etcd.RangeAsync(Read, Cancel));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.Equal(EtcdErrorKind.Tls, error.Kind);
        Assert.DoesNotContain('\n', error.Message);
    }
}
