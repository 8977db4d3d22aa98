using System.Text;

namespace Flannel.Testbed;

/// <summary>
/// Finds secrets. Every secret of the tests contains a marker: access keys, temporary keys of a RAM role, etcd's password. At the end of a
/// test the output of flanneld, all files, etcd's data and all packets are scanned for it; only the places that store or issue secrets may
/// contain it.
/// </summary>
public static class SecretScanner
{
    /// <summary>Only letters, so that URL and JSON encoding leave it unchanged.</summary>
    public const string Marker = "SecretOfTheTestBed";

    /// <summary>The marker of security tokens. Each API call sends one, in plain text over http.</summary>
    public const string TokenMarker = "TokenOfTheTestBed";

    private const int BufferSize = 1 << 20;

    private static readonly byte[][] secretForms = Forms(Marker);
    private static readonly byte[][] allForms = [.. secretForms, .. Forms(TokenMarker)];

    /// <summary>The length of the longest form in bytes.</summary>
    internal static int Longest { get; } = allForms.Max(form => form.Length);

    /// <summary>Files that store secrets: the state of the simulated cloud, access key files, systemd credentials, profiles, OIDC tokens
    /// and password files.</summary>
    private static readonly HashSet<string> secretFiles =
        ["setup.json", "access-key.json", "access-key", "config.json", "credentials", "oidc-token", "password", "etcd-password"];

    /// <summary>Whether the text contains a secret or a token.</summary>
    public static bool ContainsSecret(string text) => Contains(Encoding.UTF8.GetBytes(text), allForms);

    /// <summary>Whether the bytes contain a secret; a token is not one.</summary>
    internal static bool ContainsSecret(ReadOnlySpan<byte> bytes) => Contains(bytes, secretForms);

    /// <exception cref="TestbedException">The text contains a secret or a token.</exception>
    public static void AssertNoneIn(string where, string text)
    {
        if (ContainsSecret(text))
        {
            throw new TestbedException($"{where} contains a secret: {Excerpt(text)}");
        }
    }

    /// <param name="isAllowedInEtcd">Whether etcd's data may contain a secret: an access key in the network configuration, or a
    /// password.</param>
    /// <exception cref="TestbedException">A file that does not store secrets contains one.</exception>
    public static void AssertNoneInFolder(string folder, bool isAllowedInEtcd)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device,
        };
        foreach (var path in Directory.EnumerateFiles(folder, "*", options))
        {
            var name = Path.GetFileName(path);
            var isEtcdData = Path.GetRelativePath(folder, path).Split('/')[0].StartsWith("etcd", StringComparison.Ordinal);
            if (!secretFiles.Contains(name) && !(isEtcdData && isAllowedInEtcd) && name != "flanneld" && FileContainsSecret(path))
            {
                throw new TestbedException($"{path} contains a secret");
            }
        }
    }

    /// <summary>Reads in blocks: etcd's write-ahead log has 64 MB from the start. The service manager's socket is a file of length
    /// 0.</summary>
    private static bool FileContainsSecret(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: > 0 })
        {
            return false;
        }
        using var stream = File.OpenRead(path);
        var buffer = new byte[BufferSize];
        var kept = 0;
        int read;
        while ((read = stream.Read(buffer, kept, BufferSize - kept)) > 0)
        {
            if (Contains(buffer.AsSpan(0, kept + read), allForms))
            {
                return true;
            }
            var tail = Math.Min(kept + read, Longest);
            buffer.AsSpan(kept + read - tail, tail).CopyTo(buffer);
            kept = tail;
        }
        return false;
    }

    private static bool Contains(ReadOnlySpan<byte> bytes, byte[][] forms)
    {
        foreach (var form in forms)
        {
            if (bytes.IndexOf(form) >= 0)
            {
                return true;
            }
        }
        return false;
    }

    private static string Excerpt(string text)
    {
        var secret = text.IndexOf(Marker, StringComparison.Ordinal);
        var at = Math.Max(0, Math.Max(secret, text.IndexOf(TokenMarker, StringComparison.Ordinal)));
        return text[Math.Max(0, at - 200)..Math.Min(text.Length, at + 60)];
    }

    /// <summary>The plain form and the three base64 forms (one for each offset modulo 3), without the characters that encode adjacent
    /// bytes too.</summary>
    private static byte[][] Forms(string marker) =>
        [Encoding.ASCII.GetBytes(marker), .. Enumerable.Range(0, 3).Select(before => Base64(marker, before))];

    private static byte[] Base64(string marker, int before)
    {
        var text = Convert.ToBase64String([.. new byte[before], .. Encoding.ASCII.GetBytes(marker)]).TrimEnd('=');
        var first = (before * 8 + 5) / 6;
        var whole = (before + marker.Length) * 8 / 6;
        return Encoding.ASCII.GetBytes(text[first..whole]);
    }
}
