using System.Net.Security;
using System.Security.Cryptography;

namespace Flannel.Core.Tls;

/// <summary>In TLS 1.3 the server validates the client certificate after the handshake has ended for the client. It rejects it by an alert
/// on the first read, which HttpClient reports as a broken connection. This stream detects the alert.</summary>
/// <param name="report">Called with the reason of the rejection, or with null when the server accepts the client.</param>
public sealed class TlsAlertStream(Stream inner, TlsSettings settings, Action<string?> report) : SslStream(inner)
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

    // The numbers of alerts are those of RFC 8446, section 6.2.
    private string Describe(int alert) => (alert, settings.Certificate.IsGiven) switch
    {
        (116 or 40 or 42, false) =>
            $"{settings.Server} rejected the connection: it requires a client certificate"
                + $" ({settings.Certificate.Name}, {settings.Key.Name})",
        (45, _) => $"{Rejected}: expired",
        (48, _) => $"{Rejected}: signed by an authority that it does not know",
        ( >= 41 and <= 49 or 116, _) => $"{Rejected} (TLS alert {alert})",
        _ => $"{settings.Server} rejected the connection (TLS alert {alert})",
    };

    private string Rejected => $"{settings.Server} rejected the client certificate {settings.Certificate.Source}";

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
