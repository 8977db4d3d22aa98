using Flannel.Testbed;

namespace Flannel.EndToEnd.Tests;

/// <summary>The executable in a root with an <c>openssl.cnf</c>. The file of a host is for the OpenSSL of the host, not for the linked
/// one.</summary>
public sealed class OpenSslConfigurationTests : IAsyncDisposable
{
    private const string UnknownModule =
        "openssl_conf = init\nconfig_diagnostics = 1\n[init]\nnot_a_module = section\n[section]\nname = value\n";
    private const string UnknownRandomSource = "openssl_conf = init\n[init]\nrandom = section\n[section]\nrandom = NOT-A-DRBG\n";
    private const string MissingProvider =
        "openssl_conf = init\n[init]\nproviders = list\n[list]\ngone = section\n[section]\nmodule = /no/such.so\nactivate = 1\n";
    private const string Harmless =
        "openssl_conf = init\n[init]\nssl_conf = list\n[list]\nsystem_default = section\n[section]\nMinProtocol = TLSv1.2\n";

    /// <summary>The default path of Debian's OpenSSL (OPENSSLDIR).</summary>
    private const string HostFile = "usr/lib/ssl/openssl.cnf";

    /// <summary>The last message of a dry run with an etcd without a configuration.</summary>
    private const string ReadEtcd = "no network configuration at /coreos.com/network/config";

    private readonly RunFolder folder = new("openssl");
    private EtcdServer? etcd;
    private TlsFiles? tls;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (etcd is not null) await etcd.DisposeAsync();
        tls?.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(UnknownModule, false)]
    [InlineData(UnknownModule, true)]
    [InlineData(UnknownRandomSource, false)]
    [InlineData(UnknownRandomSource, true)]
    [InlineData("config_diagnostics = 1\n" + UnknownRandomSource, true)]
    [InlineData(MissingProvider, false)]
    [InlineData(MissingProvider, true)]
    [InlineData("this is not a configuration", true)]
    public async Task The_openssl_cnf_of_the_host_is_not_read(string content, bool isTls)
    {
        await StartEtcdAsync(isTls);
        await WriteAsync(HostFile, content);
        var result = await RunAsync();
        Assert.True(result.Error.Contains(ReadEtcd, StringComparison.Ordinal), result.Error);
        Assert.Equal(1, result.ExitCode);
    }

    [Theory]
    [InlineData(UnknownModule)]
    [InlineData(UnknownRandomSource)]
    [InlineData(MissingProvider)]
    [InlineData("[unfinished\n")]
    [InlineData(null)]
    public async Task An_unusable_file_in_OPENSSL_CONF_is_reported_in_one_line(string? content)
    {
        await StartEtcdAsync(isTls: true);
        if (content is not null) await WriteAsync("my.cnf", content);
        var result = await RunAsync(new NamedValue("OPENSSL_CONF", "/my.cnf"));
        Assert.Equal(1, result.ExitCode);
        var line = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("flanneld: OPENSSL_CONF: /my.cnf cannot be used: ", line, StringComparison.Ordinal);
        Assert.EndsWith("; correct the file or unset OPENSSL_CONF", line, StringComparison.Ordinal);
    }

    /// <summary>.NET looks for a home folder when it reads a client certificate.</summary>
    [Fact]
    public async Task A_client_certificate_works_for_a_user_without_home_folder_and_passwd_entry()
    {
        await StartEtcdAsync(isTls: true);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "etc")));
        var result = await RunAsync();
        Assert.True(result.Error.Contains(ReadEtcd, StringComparison.Ordinal), result.Error);
    }

    [Theory]
    [InlineData("/my.cnf")]
    [InlineData("")]
    public async Task A_valid_file_in_OPENSSL_CONF_is_used(string value)
    {
        await StartEtcdAsync(isTls: true);
        await WriteAsync("my.cnf", Harmless);
        await WriteAsync(HostFile, MissingProvider);
        Assert.Contains(ReadEtcd, (await RunAsync(new NamedValue("OPENSSL_CONF", value))).Error, StringComparison.Ordinal);

        // A file with ciphers that the server does not support makes the connection fail, which proves that the file is read.
        if (value.Length == 0) return;
        await WriteAsync("my.cnf", Harmless.Replace(
            "MinProtocol = TLSv1.2", "CipherString = PSK-NULL-SHA256\nCiphersuites = TLS_AES_128_CCM_8_SHA256", StringComparison.Ordinal));
        Assert.DoesNotContain(ReadEtcd, (await RunAsync(new NamedValue("OPENSSL_CONF", value))).Error, StringComparison.Ordinal);
    }

    private async Task StartEtcdAsync(bool isTls)
    {
        await Require.NamespacesAsync();
        Require.NativeExecutable();
        Require.Program(EtcdServer.Program);
        tls = isTls ? new TlsFiles(folder.Path, "127.0.0.1") : null;
        etcd = await EtcdServer.StartAsync(Path.Combine(folder.Path, "etcd"), Cancel, tls);
        folder.CopyProgram(Locations.Flanneld);
        await ChrootFolder.CreateRandomDeviceAsync(folder.Path, Cancel);
    }

    private async Task WriteAsync(string name, string text)
    {
        var path = Path.Combine(folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, text, Cancel);
    }

    private Task<CommandResult> RunAsync(params NamedValue[] environment)
    {
        static string InRoot(string path) => $"/{Path.GetFileName(path)}";
        string[] files = tls is null
            ? []
            :
            [
                $"--etcd-cafile={InRoot(tls.Authority)}", $"--etcd-certfile={InRoot(tls.Client.Certificate)}",
                $"--etcd-keyfile={InRoot(tls.Client.Key)}",
            ];
        var start = new ProgramStart(
            InRoot(Locations.Flanneld), ["--dry-run", $"--etcd-endpoints={etcd!.Endpoint.GetLeftPart(UriPartial.Authority)}", .. files])
        { ChangeRoot = folder.Path, Environment = environment.ToDictionary(variable => variable.Name, variable => variable.Value) };
        return ProcessCommand.TryRunAsync(start, Cancel);
    }
}
