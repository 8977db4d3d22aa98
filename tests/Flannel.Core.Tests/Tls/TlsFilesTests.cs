using Flannel.Core.Tls;
using Flannel.Testbed;

namespace Flannel.Core.Tests.Tls;

public sealed class TlsFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("flannel-tls-").FullName;
    private readonly TestCertificateAuthority authority;
    private readonly CertificateFiles client;
    private readonly List<string> reported = [];

    public TlsFilesTests()
    {
        authority = new TestCertificateAuthority(folder);
        client = authority.Issue("client");
    }

    [Fact]
    public void Without_inputs_the_authorities_of_the_system_and_no_client_certificate_are_used()
    {
        var material = Files(new("ca"), new("cert"), new("key")).Current().Value;
        Assert.Null(material.Authorities);
        Assert.Null(material.Client);
    }

    [Fact]
    public void Files_and_texts_of_the_configuration_give_the_same_material()
    {
        var files = Files(new("ca", authority.CertificateFile), new("cert", client.Certificate), new("key", client.Key));
        var texts = Files(
            new("ca", Text: Text(authority.CertificateFile)), new("cert", Text: Text(client.Certificate)),
            new("key", Text: Text(client.Key)));
        var (fromFiles, fromTexts) = (files.Current().Value, texts.Current().Value);
        Assert.Equal(fromFiles.Authorities![0].Thumbprint, fromTexts.Authorities![0].Thumbprint);
        Assert.Equal(fromFiles.Client!.TargetCertificate.Thumbprint, fromTexts.Client!.TargetCertificate.Thumbprint);
        Assert.True(fromTexts.Client.TargetCertificate.HasPrivateKey);
    }

    [Fact]
    public void A_problem_names_the_input_and_the_file()
    {
        var missing = Path.Combine(folder, "missing.pem");
        AssertFails($"ca {missing} does not exist", new("ca", missing), new("cert"), new("key"));
        AssertFails("ca holds no certificate in PEM form", new("ca", Text: new Secret("x")), new("cert"), new("key"));
        var other = authority.Issue("other");
        AssertFails($"key {other.Key} does not belong to the certificate in {client.Certificate}",
            new("ca"), new("cert", client.Certificate), new("key", other.Key));
        AssertFails("key does not belong to the certificate in cert",
            new("ca"), new("cert", Text: Text(client.Certificate)), new("key", Text: Text(other.Key)));
        AssertFails("key holds no private key in PEM form",
            new("ca"), new("cert", Text: Text(client.Certificate)), new("key", Text: new Secret("x")));
    }

    [Fact]
    public void A_former_content_stays_in_use_and_each_problem_is_reported_once()
    {
        var files = Files(new("ca", authority.CertificateFile), new("cert", client.Certificate), new("key", client.Key));
        var former = files.Current().Value;
        File.Delete(client.Key);
        Assert.Same(former, files.Current().Value);
        Assert.Same(former, files.Current().Value);
        Assert.Equal([$"key {client.Key} does not exist"], reported);
        authority.Issue("client");
        Assert.NotSame(former, files.Current().Value);
        File.Delete(client.Key);
        Assert.True(files.Current().Ok);
        Assert.Equal(2, reported.Count);
    }

    [Fact]
    public void An_unchanged_content_is_not_parsed_again()
    {
        var files = Files(new("ca", authority.CertificateFile), new("cert"), new("key"));
        Assert.Same(files.Current().Value, files.Current().Value);
    }

    public void Dispose()
    {
        authority.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static Secret Text(string path) => new(File.ReadAllText(path));

    private TlsFiles Files(TlsInput authorities, TlsInput certificate, TlsInput key) =>
        new(new TlsSettings("server", authorities, certificate, key), reported.Add);

    private void AssertFails(string error, TlsInput authorities, TlsInput certificate, TlsInput key) =>
        Assert.Equal(error, Files(authorities, certificate, key).Current().Error);
}
