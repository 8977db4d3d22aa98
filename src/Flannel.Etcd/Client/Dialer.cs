using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Flannel.Etcd.Registry;

namespace Flannel.Etcd.Client;

/// <summary>Opens the connection to one member. Done here rather than by HttpClient, because only here every handshake sees the newest
/// files and every failure is known by its cause.</summary>
internal sealed class Dialer(Uri endpoint, TlsFiles files, EtcdOptions options, TimeProvider time)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(200);

    private volatile string? refusal;
    private volatile string? clearTextRefusal;

    /// <summary>Why the member would not have us after the last handshake; null if it did.</summary>
    public string? Refusal => refusal;

    /// <summary>Why clear text was not understood; null if it was. It may be a dying member's silence.</summary>
    public string? ClearTextRefusal => clearTextRefusal;

    /// <exception cref="EtcdConnectException">Always this one, unless cancelled.</exception>
    public async ValueTask<Stream> ConnectAsync(CancellationToken cancellation)
    {
        var stream = await OpenAsync(cancellation);
        refusal = null;
        if (endpoint.Scheme == Uri.UriSchemeHttp) return new TlsMismatchStream(stream, why => clearTextRefusal = why);
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
            // Each address has its share of what is left, so that a dead one leaves time for the next.
            var share = (EtcdDurations.Connect - time.GetElapsedTime(begin)) / (addresses.Length - i);
            try
            {
                return await OpenAsync(addresses[i], share < Shortest ? Shortest : share, cancellation);
            }
            catch (EtcdConnectException) when (i + 1 < addresses.Length)
            {
                // The next address.
            }
        }
    }

    /// <summary>A name server that does not answer is waited for by the C library for longer than a request may take.</summary>
    private async Task<IPAddress[]> ResolveAsync(CancellationToken cancellation)
    {
        var host = endpoint.DnsSafeHost;
        if (IPAddress.TryParse(host, out var literal)) return [literal];
        using var limit = Limit(EtcdDurations.Connect, cancellation, out var tooLong);
        using (tooLong)
        {
            try
            {
                var addresses = await options.Resolve(host, limit.Token).WaitAsync(limit.Token);
                return addresses.Length > 0 ? addresses : throw Unresolved("the name service knows no address of it", null);
            }
            catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
            {
                throw Unresolved($"no answer from the name service within {EtcdDurations.Connect.TotalSeconds} s", e);
            }
            catch (SocketException e)
            {
                throw Unresolved(Describe(e), e);
            }
        }

        EtcdConnectException Unresolved(string why, Exception? inner) =>
            new(EtcdErrorKind.Unavailable, $"{endpoint.Authority}: the name {host} does not resolve: {why}", inner);
    }

    private async Task<NetworkStream> OpenAsync(IPAddress address, TimeSpan atMost, CancellationToken cancellation)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var limit = Limit(atMost, cancellation, out var tooLong);
        using (tooLong)
        {
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, endpoint.Port), limit.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
            {
                socket.Dispose();
                if (e is OperationCanceledException && cancellation.IsCancellationRequested) throw;
                if (e is OperationCanceledException) throw NoAnswer("no connection");
                var why = e is SocketException refused ? Describe(refused) : e.Message;
                throw new EtcdConnectException(EtcdErrorKind.Unavailable, $"{endpoint.Authority}: {why}", e);
            }
        }
    }

    private async Task<Stream> SecureAsync(Stream stream, CancellationToken cancellation)
    {
        var material = files.Current();
        var check = new CertificateValidator(endpoint.Authority, options.CaFile, material.Authorities);
        var secure = new TlsAlertStream(stream, why => refusal = why, options.CertFile);
        using var limit = Limit(EtcdDurations.Connect, cancellation, out var tooLong);
        using (tooLong)
        {
            try
            {
                await secure.AuthenticateAsClientAsync(
                    new SslClientAuthenticationOptions
                    {
                        TargetHost = endpoint.DnsSafeHost,
                        ApplicationProtocols = [SslApplicationProtocol.Http2],
                        CertificateChainPolicy = check.Policy(),
                        ClientCertificateContext = material.Client,
                        RemoteCertificateValidationCallback = check.Accept,
                    },
                    limit.Token);
                return secure;
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
            {
                await secure.DisposeAsync();
                if (e is OperationCanceledException) throw NoAnswer("no TLS handshake");
                if (check.Trouble is { } trouble) throw new EtcdConnectException(EtcdErrorKind.Tls, trouble, e);
                // Closing in the middle of it is what a dying member does; a refusal is said in TLS' own terms.
                if (e is not AuthenticationException)
                {
                    var closed = $"{endpoint.Authority} closed the connection during the TLS handshake (does it speak https?)";
                    throw new EtcdConnectException(EtcdErrorKind.Unavailable, closed, e);
                }

                throw new EtcdConnectException(
                    EtcdErrorKind.Tls, $"{endpoint.Authority}: TLS failed: {(e.InnerException ?? e).Message.ReplaceLineEndings(" ")}", e);
            }
        }
    }

    private EtcdConnectException NoAnswer(string what) =>
        new(EtcdErrorKind.Unavailable, $"{endpoint.Authority}: {what} within {EtcdDurations.Connect.TotalSeconds} s");

    private CancellationTokenSource Limit(TimeSpan atMost, CancellationToken cancellation, out CancellationTokenSource tooLong)
    {
        tooLong = new CancellationTokenSource(atMost, time);
        return CancellationTokenSource.CreateLinkedTokenSource(cancellation, tooLong.Token);
    }

    private static string Describe(SocketException e) => e.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "connection refused",
        SocketError.HostNotFound or SocketError.NoData => "no such host",
        SocketError.TryAgain => "no answer from the name service",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable => "no route to host",
        SocketError.TimedOut => "no connection in time",
        _ => e.Message,
    };
}
