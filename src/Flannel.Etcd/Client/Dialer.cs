using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Flannel.Core;
using Flannel.Core.Tls;

namespace Flannel.Etcd.Client;

/// <summary>Opens connections to one member. HttpClient is not used for it, because here each handshake reads the current files, and each
/// failure is reported with its cause. Thread-safe.</summary>
internal sealed class Dialer(Uri endpoint, TlsFiles files, EtcdOptions options, TimeProvider time)
{
    private static readonly TimeSpan ShortestAttempt = TimeSpan.FromMilliseconds(200);

    private volatile string? rejection;
    private volatile string? mismatch;

    /// <summary>Why the member rejected the client after the last handshake; null if it did not.</summary>
    public string? Rejection => rejection;

    /// <summary>Why the member did not understand clear text; null if it did. A member that stops may cause the same failure.</summary>
    public string? Mismatch => mismatch;

    /// <exception cref="EtcdConnectException">The connection failed.</exception>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var stream = await OpenAsync(cancellation);
        rejection = null;
        if (endpoint.Scheme == Uri.UriSchemeHttp) return new TlsMismatchStream(stream, reason => mismatch = reason);
        try
        {
            return await SecureAsync(stream, cancellation);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task<NetworkStream> OpenAsync(CancellationToken cancellation)
    {
        var begin = time.GetTimestamp();
        var addresses = await ResolveAsync(cancellation);
        for (var i = 0; ; i++)
        {
            // Each address gets its share of the remaining time, so that one that does not respond leaves time for the next.
            var share = (EtcdDurations.Connect - time.GetElapsedTime(begin)) / (addresses.Length - i);
            try
            {
                return await OpenAsync(addresses[i], share < ShortestAttempt ? ShortestAttempt : share, cancellation);
            }
            catch (EtcdConnectException) when (i + 1 < addresses.Length)
            {
                // The next address.
            }
        }
    }

    /// <summary>The C library waits for an unavailable name server longer than a request may take.</summary>
    private async Task<IPAddress[]> ResolveAsync(CancellationToken cancellation)
    {
        var host = endpoint.DnsSafeHost;
        if (IPAddress.TryParse(host, out var literal)) return [literal];
        using var limit = new TimeLimit(EtcdDurations.Connect, time, cancellation);
        try
        {
            var addresses = await options.Resolve(host, limit.Token).WaitAsync(limit.Token);
            return addresses.Length > 0 ? addresses : throw Unresolved("the name service has no address for it", null);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw Unresolved($"no answer from the name service within {EtcdDurations.Connect.TotalSeconds} s", e);
        }
        catch (SocketException e)
        {
            throw Unresolved(Describe(e), e);
        }

        EtcdConnectException Unresolved(string reason, Exception? inner) =>
            new(EtcdErrorKind.Unavailable, $"{endpoint.Authority}: the name {host} does not resolve: {reason}", inner);
    }

    private async Task<NetworkStream> OpenAsync(IPAddress address, TimeSpan atMost, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = new TimeLimit(atMost, time, cancellation);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, endpoint.Port), limit.Token);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is OperationCanceledException && cancellation.IsCancellationRequested) throw;
            if (e is OperationCanceledException) throw TimedOut("no connection");
            var reason = e is SocketException socketError ? Describe(socketError) : e.Message;
            throw new EtcdConnectException(EtcdErrorKind.Unavailable, $"{endpoint.Authority}: {reason}", e);
        }
    }

    private async Task<Stream> SecureAsync(Stream stream, CancellationToken cancellation)
    {
        var read = files.Current();
        if (!read.Ok) throw new EtcdConnectException(EtcdErrorKind.Tls, read.Error);
        var material = read.Value;
        var validator = new CertificateValidator(endpoint.Authority, options.Tls.Authorities, material.Authorities);
        var secure = new TlsAlertStream(stream, options.Tls, reason => rejection = reason);
        using var limit = new TimeLimit(EtcdDurations.Connect, time, cancellation);
        try
        {
            var settings = new SslClientAuthenticationOptions
            {
                TargetHost = endpoint.DnsSafeHost,
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                CertificateChainPolicy = validator.CreatePolicy(),
                ClientCertificateContext = material.Client,
                RemoteCertificateValidationCallback = validator.Validate,
            };
            await secure.AuthenticateAsClientAsync(settings, limit.Token);
            return secure;
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            await secure.DisposeAsync();
            if (e is OperationCanceledException) throw TimedOut("no TLS handshake");
            throw new EtcdConnectException(
                validator.Problem is not null || e is AuthenticationException ? EtcdErrorKind.Tls : EtcdErrorKind.Unavailable,
                validator.Problem ?? DescribeHandshake(e), e);
        }
    }

    /// <summary>A member that stops closes the connection during the handshake; one that rejects it sends a TLS alert.</summary>
    private string DescribeHandshake(Exception e) => e is AuthenticationException
        ? $"{endpoint.Authority}: TLS failed: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}"
        : $"{endpoint.Authority} closed the connection during the TLS handshake (does it speak https?)";

    private EtcdConnectException TimedOut(string what) =>
        new(EtcdErrorKind.Unavailable, $"{endpoint.Authority}: {what} within {EtcdDurations.Connect.TotalSeconds} s");

    private static string Describe(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostNotFound or SocketError.NoData => "no such host",
        SocketError.TryAgain => "no answer from the name service",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route to host",
        SocketError.TimedOut => "connection timed out",
        _ => e.Message,
    };
}
