using System.Text;

namespace Flannel.Testbed;

/// <summary>
/// Every secret of every test bed holds a mark: access keys, what a RAM role is issued, etcd's password. It may stand where a secret is kept or asked for, and nowhere else: each test bed looks for it
/// at its end, in all that flanneld printed, in every file, in etcd's data, and in the packets that went over its wires.
/// </summary>
public static class SecretWatch
{
    /// <summary>Letters alone, so that no encoding of an URL or of JSON hides it.</summary>
    public const string Mark = "SecretOfTheTestBed";

    /// <summary>Of security tokens: they go to the API with every call, in the clear where a test bed speaks http, and nowhere else.</summary>
    public const string TokenMark = "TokenOfTheTestBed";

    private const int Piece = 1 << 20;

    private static readonly byte[][] secrets = Forms(Mark);
    private static readonly byte[][] all = [.. secrets, .. Forms(TokenMark)];

    /// <summary>No form is longer.</summary>
    internal static int Longest { get; } = all.Max(form => form.Length);

    /// <summary>Where a secret is kept: the simulated cloud's own memory, a key file, a unit's credential, a profile, an OIDC token, a password file.</summary>
    private static readonly HashSet<string> keepers = ["world.json", "access-key.json", "access-key", "config.json", "credentials", "oidc-token", "password", "etcd-password"];

    /// <summary>Whether a secret stands in it, or a token.</summary>
    public static bool Holds(string text) => Holds(Encoding.UTF8.GetBytes(text), all);

    /// <summary>Whether a secret stands in it. A token may.</summary>
    internal static bool HoldsSecret(ReadOnlySpan<byte> bytes) => Holds(bytes, secrets);

    /// <exception cref="TestbedException">The text holds a secret.</exception>
    public static void Look(string where, string text)
    {
        if (Holds(text))
        {
            throw new TestbedException($"a secret stands in {where}: {Around(text)}");
        }
    }

    /// <param name="etcdMay">Whether etcd's own files may hold one: an operator has put a key into the network configuration, or there is a password.</param>
    /// <exception cref="TestbedException">A file that is none of those that keep secrets holds one.</exception>
    public static void LookInto(string folder, bool etcdMay)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Device }))
        {
            var isEtcds = Path.GetRelativePath(folder, path).Split('/')[0].StartsWith("etcd", StringComparison.Ordinal);
            if (!keepers.Contains(Path.GetFileName(path)) && !(isEtcds && etcdMay) && Path.GetFileName(path) != "flanneld" && HoldsFile(path))
            {
                throw new TestbedException($"a secret stands in {path}");
            }
        }
    }

    /// <summary>In pieces: etcd's log is 64 MB from the start. The service manager's socket is a file without a byte.</summary>
    private static bool HoldsFile(string path)
    {
        if (new FileInfo(path) is not { Exists: true, Length: > 0 })
        {
            return false;
        }
        using var stream = File.OpenRead(path);
        var buffer = new byte[Piece];
        var kept = 0;
        int read;
        while ((read = stream.Read(buffer, kept, Piece - kept)) > 0)
        {
            if (Holds(buffer.AsSpan(0, kept + read), all))
            {
                return true;
            }
            var tail = Math.Min(kept + read, Longest);
            buffer.AsSpan(kept + read - tail, tail).CopyTo(buffer);
            kept = tail;
        }
        return false;
    }

    private static bool Holds(ReadOnlySpan<byte> bytes, byte[][] forms)
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

    private static string Around(string text)
    {
        var at = Math.Max(0, Math.Max(text.IndexOf(Mark, StringComparison.Ordinal), text.IndexOf(TokenMark, StringComparison.Ordinal)));
        return text[Math.Max(0, at - 200)..Math.Min(text.Length, at + 60)];
    }

    /// <summary>As it is, and as the three ways in which base64 writes it, without the letters that its neighbours have a part in.</summary>
    private static byte[][] Forms(string mark) => [Encoding.ASCII.GetBytes(mark), .. Enumerable.Range(0, 3).Select(before => Base64(mark, before))];

    private static byte[] Base64(string mark, int before)
    {
        var text = Convert.ToBase64String([.. new byte[before], .. Encoding.ASCII.GetBytes(mark)]).TrimEnd('=');
        var first = (before * 8 + 5) / 6;
        var whole = (before + mark.Length) * 8 / 6;
        return Encoding.ASCII.GetBytes(text[first..whole]);
    }
}
