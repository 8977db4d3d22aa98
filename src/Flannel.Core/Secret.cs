using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Flannel.Core;

/// <summary>A value that must not be printed: it is <c>***</c> in every log, message, debugger and serializer. Only <see cref="Reveal"/>
/// and <see cref="RevealText"/> return it, so every use can be found by these names.</summary>
[DebuggerDisplay("***")]
public sealed class Secret : IEquatable<Secret>, IDisposable
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly byte[] utf8;

    public Secret(string value) => utf8 = Encoding.UTF8.GetBytes(value);

    public Secret(ReadOnlySpan<byte> utf8) => this.utf8 = utf8.ToArray();

    public bool IsEmpty => utf8.Length == 0;

    /// <summary>The bytes, for signing and for requests. Never keep or print them.</summary>
    public ReadOnlySpan<byte> Reveal() => utf8;

    /// <summary>The text, where an interface requires it (etcd's authentication, a header).</summary>
    public string RevealText() => Encoding.UTF8.GetString(utf8);

    public bool Equals(Secret? other) => other is not null && CryptographicOperations.FixedTimeEquals(utf8, other.utf8);

    public override bool Equals(object? obj) => Equals(obj as Secret);

    // Constant on purpose: a hash discloses information about the value.
    public override int GetHashCode() => 0;

    public override string ToString() => "***";

    /// <summary>Overwrites the bytes with zeros.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(utf8);
}
