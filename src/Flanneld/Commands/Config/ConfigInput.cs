using System.Text;
using System.Text.Unicode;
using Flannel.Core;
using Flannel.Core.Configuration;
using Flanneld.Backends;

namespace Flanneld.Commands.Config;

/// <summary>A network configuration that an operator gave, after the checks of the daemon.</summary>
/// <param name="Name">Where it is from, for messages.</param>
/// <param name="Value">What is written: UTF-8 without byte order mark and without white space at the end.</param>
internal sealed record ConfigInput(string Name, byte[] Value, NetworkConfig Config, IBackend Backend)
{
    private const string StandardInput = "-";

    // The parser's limit. etcd accepts requests of 1.5 MiB.
    private const int MaxBytes = SmallFile.MaxBytes;

    /// <summary>Accepted settings that are probably mistakes, one line each.</summary>
    public IEnumerable<string> Warnings => BackendFactory.Warnings(Config).Select(PrintableText.Of);

    /// <summary>Whether a byte order mark was removed.</summary>
    public bool HadByteOrderMark { get; private init; }

    /// <param name="argument">The path of a file, <c>-</c> for standard input, or the JSON text itself.</param>
    /// <returns>The error is one line that names the source.</returns>
    public static async Task<Result<ConfigInput>> ReadAsync(string argument, CancellationToken cancellation)
    {
        if (argument == StandardInput) return Parse("standard input", await ReadStandardInputAsync(cancellation));
        if (argument.TrimStart().StartsWith('{')) return Parse("the argument", Encoding.UTF8.GetBytes(argument));
        var name = NameOf(argument);
        return SmallFile.Read(argument) switch
        {
            SmallFileResult.Present present => Parse(name, present.Content),
            SmallFileResult.Unusable unusable => Result.Failure($"{name} {unusable.Reason}"),
            _ => Result.Failure($"{name} cannot be read"),
        };
    }

    /// <param name="name">Where the content is from.</param>
    public static Result<ConfigInput> Parse(string name, ReadOnlySpan<byte> content)
    {
        if (content.Length > MaxBytes) return Result.Failure($"{name} is larger than {MaxBytes} bytes");
        var hasMark = content.StartsWith(Encoding.UTF8.Preamble);
        var value = (hasMark ? content[Encoding.UTF8.Preamble.Length..] : content).TrimEnd(" \t\r\n"u8);
        if (value.Length == 0)
            return Result.Failure($"{name} is empty: give a network configuration such as {FlannelContract.ExampleConfig}");
        // The parser reports UTF-16 itself.
        if (!value.StartsWith(Encoding.Unicode.Preamble) && !value.StartsWith(Encoding.BigEndianUnicode.Preamble) && !Utf8.IsValid(value))
            return Result.Failure($"{name} is not valid UTF-8 at byte {FindInvalidByte(value) + (hasMark ? 4 : 1)}: save it as UTF-8");
        // With the mark, of which the parser warns.
        var config = NetworkConfigParser.Parse(content);
        if (!config.Ok) return Result.Failure($"{name} is invalid: {config.Error}");
        var backend = BackendFactory.Create(config.Value);
        if (!backend.Ok) return Result.Failure($"{name} is invalid: {backend.Error}");
        return new ConfigInput(name, value.ToArray(), config.Value, backend.Value) { HadByteOrderMark = hasMark };
    }

    /// <summary>One byte more than allowed is enough to report it.</summary>
    private static async Task<byte[]> ReadStandardInputAsync(CancellationToken cancellation)
    {
        await using var input = Console.OpenStandardInput();
        var buffer = new byte[MaxBytes + 1];
        // A pending read of a terminal cannot be cancelled.
        var length = await input.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, CancellationToken.None).AsTask()
            .WaitAsync(cancellation);
        return buffer[..length];
    }

    /// <summary>The path if it cannot be something else, such as a part of a password.</summary>
    private static string NameOf(string argument) =>
        argument.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? Redaction.Value(argument) : Redaction.Path(argument);

    private static int FindInvalidByte(ReadOnlySpan<byte> utf8)
    {
        var index = 0;
        while (Rune.DecodeFromUtf8(utf8[index..], out _, out var length) == System.Buffers.OperationStatus.Done) index += length;
        return index;
    }
}
