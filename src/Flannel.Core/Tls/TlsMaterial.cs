using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Flannel.Core.Tls;

/// <summary>The certificates for one handshake.</summary>
/// <param name="Authorities">Null for the system's.</param>
/// <param name="Client">Null for no client certificate.</param>
public sealed record TlsMaterial(X509Certificate2Collection? Authorities, SslStreamCertificateContext? Client);
