namespace Flannel.Core.Tls;

/// <summary>What a client uses for TLS, with the names for its messages. Immutable.</summary>
/// <param name="Server">Who rejects a client certificate, such as <c>etcd</c>.</param>
/// <param name="Authorities">Of the server's certificate; without content, the system's.</param>
/// <param name="Certificate">Of the client and its intermediate certificates; without content, none.</param>
/// <param name="Key">Given if and only if there is a certificate.</param>
public sealed record TlsSettings(string Server, TlsInput Authorities, TlsInput Certificate, TlsInput Key);

/// <summary>Texts in PEM form: a file that is read for each handshake, a text that the configuration contains, or nothing.</summary>
/// <param name="Name">The flag or the key of the configuration that gives it, such as <c>etcd-cafile</c>.</param>
/// <param name="Path">The file; null for none.</param>
/// <param name="Text">The text, if there is no file; null for none.</param>
public sealed record TlsInput(string Name, string? Path = null, Secret? Text = null)
{
    public bool IsGiven => Path is not null || Text is not null;

    /// <summary>The path of the file; without one, the name.</summary>
    public string Source => Path is null ? Name : Redaction.Path(Path);

    /// <summary>The name, and the path of the file.</summary>
    public override string ToString() => Path is null ? Name : $"{Name} {Redaction.Path(Path)}";
}
