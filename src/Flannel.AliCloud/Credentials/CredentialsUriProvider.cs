using System.Net;
using System.Security.Cryptography;
using Flannel.AliCloud.Http;
using Flannel.AliCloud.Sts;

namespace Flannel.AliCloud.Credentials;

/// <summary>Temporary keys from the server at <c>ALIBABA_CLOUD_CREDENTIALS_URI</c>. The URI may be a secret and is never shown.</summary>
/// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
internal sealed class CredentialsUriProvider(Func<string, string?> environment, CloudContext context) : ICredentialProvider
{
    private const string Variable = SdkEnvironment.CredentialsUri;
    private const int MaxResponseBytes = 64 << 10;

    private bool warned;

    public string Name => Variable;

    public bool HasChanged() => false;

    public async ValueTask<ProviderResult> FetchAsync(CancellationToken cancellation)
    {
        if (environment(Variable)?.Trim() is not { Length: > 0 } text) return new ProviderResult.NotConfigured($"{Variable} is not set");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || !IsHttp(address) || address.UserInfo.Length > 0)
            return new ProviderResult.Failed($"{Variable} must be a URI that begins with https:// or http:// and names no user");
        if (address.Scheme == Uri.UriSchemeHttp && !address.IsLoopback && !warned)
        {
            warned = true;
            context.Logger.PlainEndpoint("credentials", address.GetLeftPart(UriPartial.Authority));
        }

        using var timeout = new CancellationTokenSource(context.Options.RequestTimeout, context.Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await FetchAsync(address, linked.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new ProviderResult.Failed($"{Variable}: timed out");
        }
        catch (HttpRequestException e)
        {
            return new ProviderResult.Failed($"{Variable}: the server is unavailable: {Proxies.Explain(e, address)}");
        }
        catch (IOException e)
        {
            return new ProviderResult.Failed($"{Variable}: the server is unavailable: {e.Message}");
        }
    }

    private static bool IsHttp(Uri address) => address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp;

    private async Task<ProviderResult> FetchAsync(Uri address, CancellationToken cancellation)
    {
        var handler = CloudHttpHandler.Create(context.Options);
        handler.UseProxy = !address.IsLoopback;
        using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        using var response = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (response.StatusCode != HttpStatusCode.OK)
            return new ProviderResult.Failed($"{Variable}: the server returns HTTP {(int)response.StatusCode}");
        var body = await BoundedBody.ReadAsync(response.Content, MaxResponseBytes, cancellation);
        if (body is null) return new ProviderResult.Failed($"{Variable}: the server returns more than {MaxResponseBytes} bytes");
        var key = TemporaryKey.Parse(body, Variable, context.Clock.TrustedTime, requiresSuccess: false);
        CryptographicOperations.ZeroMemory(body);
        return ProviderResult.From(key);
    }
}
