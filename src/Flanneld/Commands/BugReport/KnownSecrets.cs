using System.Text;
using System.Text.Json;
using Flannel.Core;
using Flannel.Kubernetes.Client.Access;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands.BugReport;

/// <summary>Finds the secrets that this host has for flanneld, so that none of them is in the report, wherever it may stand.</summary>
internal static class KnownSecrets
{
    private const int ShortestKey = 16;
    private const string ServiceAccountToken = $"{KubeAccessOptions.DefaultServiceAccountFolder}/token";
    private const string CredentialsDirectory = "CREDENTIALS_DIRECTORY";

    /// <param name="environment">Of this process and of the installed service.</param>
    /// <param name="config">The network configuration as it is stored; null if it could not be read.</param>
    public static IReadOnlyList<string> Find(
        DaemonOptions options, IReadOnlyDictionary<string, string> environment, ReadOnlyMemory<byte>? config)
    {
        List<string> found = [.. environment.Where(variable => IsSecret(variable.Key)).Select(variable => variable.Value.Trim())];
        found.AddRange(environment.Where(variable => IsProxy(variable.Key)).Select(variable => PasswordIn(variable.Value)));
        if (options.EtcdPassword is { } password) found.Add(password.RevealText());
        if (options.EtcdPasswordFile is { } passwordFile) found.Add(ReadText(passwordFile).Trim());
        if (options.KubeconfigFile is { } kubeconfig) found.AddRange(FindKeys(ReadText(kubeconfig)));
        if (options.IsKubeSubnetManager) found.Add(ReadText(ServiceAccountToken).Trim());
        if (options.AccessKeyFile is { } keyFile) found.AddRange(FindKeys(ReadText(keyFile)));
        if (environment.GetValueOrDefault(CredentialsDirectory) is { Length: > 0 } folder)
        {
            foreach (var text in ReadFolder(folder)) found.AddRange([text.Trim(), .. FindKeys(text)]);
        }

        if (config is { } value) found.AddRange(FindInJson(value));
        return [.. found.Where(secret => secret.Length > 0)];
    }

    private static bool IsProxy(string variable) => variable.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase);

    /// <summary>Of <c>user:password@host</c>, with or without a scheme; empty without one.</summary>
    private static string PasswordIn(string proxy)
    {
        var user = proxy[..Math.Max(0, proxy.LastIndexOf('@'))];
        var scheme = user.IndexOf("://", StringComparison.Ordinal);
        var parts = user[(scheme < 0 ? 0 : scheme + 3)..].Split(':', 2);
        return parts.Length == 2 ? parts[1] : "";
    }

    private static bool IsSecret(string variable) =>
        (SecretName.Matches(variable) || variable.Contains("ACCESS_KEY", StringComparison.Ordinal))
        && !variable.EndsWith("_FILE", StringComparison.Ordinal) && variable != CredentialsDirectory
        && !variable.EndsWith("_URI", StringComparison.Ordinal);

    /// <summary>Words that may be an access key: long, with letters and digits.</summary>
    private static IEnumerable<string> FindKeys(string text) =>
        text.Split(['"', '\'', '=', ':', ',', ' ', '\t', '\r', '\n', '{', '}'], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.Length >= ShortestKey && word.Any(char.IsAsciiDigit));

    private static string ReadText(string path) =>
        SmallFile.Read(path) is SmallFileResult.Present present ? Encoding.UTF8.GetString(present.Content) : "";

    private static IEnumerable<string> ReadFolder(string folder) =>
        HostFiles.OfThisHost.List(folder).Select(name => ReadText(Path.Combine(folder, name)));

    private static List<string> FindInJson(ReadOnlyMemory<byte> json)
    {
        List<string> found = [];
        try
        {
            using var document = JsonDocument.Parse(json);
            AddSecrets(document.RootElement, found);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not valid JSON, or not valid Unicode: it is not shown.
        }

        return found;
    }

    private static void AddSecrets(JsonElement element, List<string> found)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) AddSecrets(item, found);
        }

        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (var property in element.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.String && SecretName.Matches(property.Name))
                found.Add(property.Value.GetString()!);
            AddSecrets(property.Value, found);
        }
    }
}
