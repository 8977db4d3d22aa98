using System.Net.Security;
using System.Security.Cryptography;
using Flannel.Core;

namespace Flannel.Etcd.Client;

/// <summary>In TLS 1.3 the server validates the client certificate after the handshake has ended for the client. It rejects it by an alert
/// on the first read, which HttpClient reports as a broken connection. This stream detects the alert.</summary>
/// <param name="report">Called with the reason of the rejection, or with null when the server accepts the client.</param>
internal sealed class TlsAlertStream(Stream inner, Action<string?> report, string? certFile) : SslStream(inner)
{
    // OpenSSL numbers the reasons of its errors; from this number on they are alerts of the server (SSL_AD_REASON_OFFSET).
    private const int FirstAlert = 1000;
    private const int Alerts = 256;
    private const int ReasonMask = 0x7FFFFF;
    private bool isAccepted;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            if (count > 0 && !isAccepted) SetAccepted();
            return count;
        }
        catch (IOException e) when (!isAccepted)
        {
            ReportAlert(e);
            throw;
        }
    }

    /// <summary>OpenSSL may receive the alert while it sends.</summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await base.WriteAsync(buffer, cancellationToken);
        }
        catch (IOException e) when (!isAccepted)
        {
            ReportAlert(e);
            throw;
        }
    }

    private void SetAccepted()
    {
        isAccepted = true;
        report(null);
    }

    private void ReportAlert(IOException e)
    {
        if (FindAlert(e) is { } alert) report(Describe(alert));
    }

    private string ShownCertFile => Redaction.Path(certFile ?? "");

    // The numbers of alerts are those of RFC 8446, section 6.2.
    private string Describe(int alert) => (alert, certFile) switch
    {
        (116 or 40 or 42, null) => "etcd rejected the connection: it requires a client certificate (etcd-certfile, etcd-keyfile)",
        (45, _) => $"etcd rejected the client certificate {ShownCertFile}: expired",
        (48, _) => $"etcd rejected the client certificate {ShownCertFile}: signed by an authority that it does not know",
        ( >= 41 and <= 49 or 116, _) => $"etcd rejected the client certificate {ShownCertFile} (TLS alert {alert})",
        _ => $"etcd rejected the connection (TLS alert {alert})",
    };

    private static int? FindAlert(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is CryptographicException && (e.HResult & ReasonMask) is >= FirstAlert and < FirstAlert + Alerts and var reason)
                return reason - FirstAlert;
        }

        return null;
    }
}
