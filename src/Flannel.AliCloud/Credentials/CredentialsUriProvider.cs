using System.Net;
using System.Security.Cryptography;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Signing;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Credentials;

/// <summary>A server that hands out temporary keys, at the address of <c>ALIBABA_CLOUD_CREDENTIALS_URI</c>. The address may be a secret itself and is never
/// shown.</summary>
internal sealed class CredentialsUriProvider(
    Func<string, string?> environment, CloudApiOptions options, CloudClock clock, TimeProvider time, ILogger logger) : ICredentialProvider
{
    private const string Variable = "ALIBABA_CLOUD_CREDENTIALS_URI";
    private const int LargestAnswer = 64 << 10;

    private bool warned;

    public string Name => Variable;

    public bool HasChanged() => false;

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (environment(Variable)?.Trim() is not { Length: > 0 } text) return new ProviderResult.NotConfigured($"{Variable} is not set");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp) || address.UserInfo.Length > 0)
            return new ProviderResult.Failed($"{Variable} must be an address that begins with https:// or http://");
        if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback && !warned)
        {
            warned = true;
            logger.PlainEndpoint("credentials", address.GetLeftPart(UriPartial.Authority));
        }

        var handler = CloudApi.Handler(options);
        handler.UseProxy = !address.IsLoopback;
        using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        using var timeout = new CancellationTokenSource(options.RequestTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            using var response = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            if (response.StatusCode != HttpStatusCode.OK) return new ProviderResult.Failed($"{Variable} answers with HTTP {(int)response.StatusCode}");
            var body = await BoundedBody.ReadAsync(response.Content, LargestAnswer, linked.Token);
            if (body is null) return new ProviderResult.Failed($"{Variable} answers with more than {LargestAnswer} bytes");
            var answer = TemporaryKey.Read(body, Variable, clock.Known, mustSaySuccess: false);
            CryptographicOperations.ZeroMemory(body);
            return answer;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ProviderResult.Failed($"{Variable} does not answer in time");
        }
        catch (HttpRequestException e)
        {
            return new ProviderResult.Failed($"{Variable} cannot be reached: {Proxies.Explain(e, address)}");
        }
        catch (IOException e)
        {
            return new ProviderResult.Failed($"{Variable} cannot be reached: {e.Message}");
        }
    }
}
