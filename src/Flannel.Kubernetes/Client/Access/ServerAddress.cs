using Flannel.Core;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The address of an API server in a kubeconfig or a flag, as client-go reads it (rest/url_utils.go, DefaultServerURL).</summary>
internal static class ServerAddress
{
    private const string Form = "use https://host:port";

    /// <param name="usesTls">The scheme of an address without one.</param>
    /// <returns>With a path if the server has one. The error follows the option's name and a colon, and has no secret.</returns>
    public static Result<Uri> Parse(string text, bool usesTls)
    {
        if (text.Contains('@')) return Result.Failure($"\"{Redaction.Endpoints(text)}\" holds a user; remove it");
        var hasScheme = text.Contains("://", StringComparison.Ordinal);
        var full = hasScheme ? text : $"{(usesTls ? Uri.UriSchemeHttps : Uri.UriSchemeHttp)}://{text}";
        if (!Uri.TryCreate(full, UriKind.Absolute, out var address) || address.Host.Length == 0)
            return Result.Failure($"\"{Redaction.Endpoints(text)}\" is not an address; {Form}");
        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
            return Result.Failure($"\"{Redaction.Endpoints(text)}\" has another scheme than http and https; {Form}");
        return address.Query.Length > 0 || address.Fragment.Length > 0
            ? Result.Failure($"\"{Redaction.Endpoints(text)}\" has a query or a fragment; {Form}")
            : new Uri(address.GetLeftPart(UriPartial.Path).TrimEnd('/'));
    }
}
