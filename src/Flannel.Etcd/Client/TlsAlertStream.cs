using System.Net.Security;
using System.Security.Cryptography;
using Flannel.Core;

namespace Flannel.Etcd.Client;

/// <summary>In TLS 1.3 the server judges our certificate after the handshake has ended on our side. Its refusal is an alert on the first
/// read, which
/// HttpClient takes for any broken connection; here it is heard and kept.</summary>
internal sealed class TlsAlertStream(Stream inner, Action<string?> tell, string? certFile) : SslStream(inner)
{
    // OpenSSL numbers the reasons of its errors; those from here on are the alerts of the other side (SSL_AD_REASON_OFFSET).
    private const int FirstAlert = 1000;
    private const int ReasonMask = 0x7FFFFF;
    private bool heard;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            if (count > 0 && !heard) Accepted();
            return count;
        }
        catch (IOException e) when (!heard)
        {
            Broken(e);
            throw;
        }
    }

    /// <summary>OpenSSL may come upon the alert while it sends.</summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException e) when (!heard)
        {
            Broken(e);
            throw;
        }
    }

    private void Accepted()
    {
        heard = true;
        tell(null);
    }

    private void Broken(IOException e)
    {
        if (Alert(e) is { } alert) tell(Describe(alert));
    }

    private string ShownCertFile => Redaction.Path(certFile ?? "");

    private string Describe(int alert) => (alert, certFile) switch
    {
        (116 or 40 or 42, null) => "etcd refused the connection: it requires a client certificate (etcd-certfile, etcd-keyfile)",
        (45, _) => $"etcd refused the client certificate {ShownCertFile}: expired",
        (48, _) => $"etcd refused the client certificate {ShownCertFile}: signed by an authority that it does not know",
        ( >= 41 and <= 49 or 116, _) => $"etcd refused the client certificate {ShownCertFile} (TLS alert {alert})",
        _ => $"etcd refused the connection (TLS alert {alert})",
    };

    private static int? Alert(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is CryptographicException && (e.HResult & ReasonMask) is >= FirstAlert and < FirstAlert + 256 and var reason)
                return reason - FirstAlert;
        }

        return null;
    }
}
