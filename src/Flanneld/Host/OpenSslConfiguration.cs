using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Flannel.Core;

namespace Flanneld.Host;

/// <summary>Prevents the statically linked OpenSSL from reading the host's <c>openssl.cnf</c>.</summary>
/// <remarks>
/// That file is for the host's own OpenSSL: it may name modules, providers and random sources that the linked version does not have, and
/// .NET's shim aborts the process when its initialization fails. Only a file that <c>OPENSSL_CONF</c> names is read.
/// </remarks>
internal static partial class OpenSslConfiguration
{
    public const string Variable = "OPENSSL_CONF";

    // openssl/crypto.h, openssl/conf.h
    private const ulong LoadErrorStrings = 0x2;
    private const ulong NoConfiguration = 0x80;
    private const ulong NoAtExit = 0x80000;
    private const uint DefaultSection = 0x20;
    private const int LongestError = 256;

    /// <summary>Must be called before the first use of OpenSSL, which a process configures only once.</summary>
    /// <param name="file">The value of <see cref="Variable"/>.</param>
    public static Result<Unit> Apply(string? file)
    {
        // With a JIT compiler .NET loads the host's own OpenSSL, which may read the host's file.
        if (RuntimeFeature.IsDynamicCodeSupported) return Unit.Instance;
        // NoAtExit as in .NET: threads of the runtime may still use OpenSSL when the process ends.
        if (Initialize(NoConfiguration | NoAtExit | LoadErrorStrings, 0) != 1)
            return Result.Failure(InternalError.Line("OpenSSL cannot be initialized"));
        if (string.IsNullOrEmpty(file)) return Unit.Instance;
        if (LoadModules(file, null, DefaultSection) > 0 && IsUsable()) return Unit.Instance;
        // OpenSSL's own text quotes the path.
        var shown = Redaction.Path(file);
        return Result.Failure(
            $"{Variable}: {shown} cannot be used: {LastError(isDetailed: shown == file)}; correct the file or unset {Variable}");
    }

    /// <summary>OpenSSL reads a file without an error that names a missing provider or random source; every later call fails.</summary>
    private static bool IsUsable()
    {
        Span<byte> sample = stackalloc byte[1];
        if (RandomBytes(sample, sample.Length) != 1) return false;
        var digest = FetchDigest(0, "SHA2-256", null);
        FreeDigest(digest);
        return digest != 0;
    }

    /// <summary>The newest error and its subject, such as a module's name.</summary>
    private static string LastError(bool isDetailed)
    {
        var error = PeekLastError(0, 0, 0, out var data, 0);
        Span<byte> text = stackalloc byte[LongestError];
        DescribeError(error, text, LongestError);
        // error:NUMBER:library::reason
        var reason = Encoding.UTF8.GetString(text[..Math.Max(0, text.IndexOf((byte)0))]).Split("::")[^1];
        var detail = isDetailed ? Marshal.PtrToStringUTF8(data) : null;
        return (string.IsNullOrEmpty(detail) ? reason : $"{reason} ({detail})").ReplaceLineEndings(" ");
    }

    [LibraryImport("libcrypto", EntryPoint = "OPENSSL_init_crypto")]
    private static partial int Initialize(ulong options, nint settings);

    [LibraryImport("libcrypto", EntryPoint = "CONF_modules_load_file", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LoadModules(string file, string? section, uint flags);

    [LibraryImport("libcrypto", EntryPoint = "RAND_bytes")]
    private static partial int RandomBytes(Span<byte> buffer, int length);

    [LibraryImport("libcrypto", EntryPoint = "EVP_MD_fetch", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint FetchDigest(nint context, string algorithm, string? properties);

    [LibraryImport("libcrypto", EntryPoint = "EVP_MD_free")]
    private static partial void FreeDigest(nint digest);

    [LibraryImport("libcrypto", EntryPoint = "ERR_peek_last_error_all")]
    private static partial nuint PeekLastError(nint file, nint line, nint function, out nint data, nint flags);

    [LibraryImport("libcrypto", EntryPoint = "ERR_error_string_n")]
    private static partial void DescribeError(nuint error, Span<byte> text, nuint length);
}
