using System.Globalization;
using System.Text;
using Flannel.Core;
using Flanneld.Clients;
using Flanneld.Host;
using Flanneld.Options;

namespace Flanneld.Commands.BugReport;

/// <summary><c>flanneld bugreport</c>: writes one text file for a bug report, without secrets. A part that cannot be read says
/// why.</summary>
/// <remarks>Not an archive: a person reviews the file before it is shared, and GitHub accepts text files.</remarks>
internal sealed class BugReportCommand(DaemonOptions options, Result<Connections> opened, ClientContext context)
{
    private const string StandardOutput = "-";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <returns>Success if the report is written.</returns>
    public async Task<Result<Unit>> RunAsync(CancellationToken cancellation)
    {
        var now = context.Time.GetUtcNow();
        if (options.ReportFile == StandardOutput)
        {
            await Console.Out.WriteAsync(await CollectAsync(now, cancellation));
            return Unit.Instance;
        }

        // Before the parts are read, which may take a minute.
        var path = options.ReportFile ?? NameOf(now);
        var created = Create(path);
        if (!created.Ok) return Result.Failure(created.Error);
        var written = await WriteAsync(path, created.Value, now, cancellation);
        if (!written.Ok) return written;
        await Console.Out.WriteLineAsync(path);
        await Console.Out.WriteLineAsync("review it before you share it: it contains the addresses and ids of this cluster");
        return Unit.Instance;
    }

    private async Task<string> CollectAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        await Console.Error.WriteLineAsync("collecting the report, which may take a minute");
        return await ComposeAsync(now, cancellation);
    }

    private async Task<string> ComposeAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var content = new ReportContent(options, opened, context, new ReportHost(HostFiles.OfThisHost, context.Time));
        // All at once: the time limits of services that do not answer would add up.
        var finding = content.FindSecretsAsync(cancellation);
        var parts = content.CreateParts();
        var texts = await Task.WhenAll(parts.Select(part => part.ReadAsync(context.Time, cancellation)));
        var report = new StringBuilder($"flanneld bug report of {Environment.MachineName}, {UtcText.Of(now)}\n");
        report.Append("Secrets are replaced by ***. Review it before you share it.\n");
        foreach (var (part, text) in parts.Zip(texts))
            report.Append($"\n===== {part.Title} =====\n").Append(text.TrimEnd()).Append('\n');
        return new SecretScrubber(await finding).Scrub(report.ToString());
    }

    /// <summary>Such as <c>flanneld-bugreport-node1-20261128T002524Z.txt</c>.</summary>
    private static string NameOf(DateTimeOffset now)
    {
        var host = string.Concat(Environment.MachineName.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '_'));
        var time = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        return $"flanneld-bugreport-{host}-{time}.txt";
    }

    /// <summary>Creates the file. An existing one, or a link that another user made, is not overwritten.</summary>
    private static Result<FileStream> Create(string path)
    {
        try
        {
            return new FileStream(
                path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        }
        catch (IOException) when (Path.Exists(path))
        {
            return Result.Failure($"{Redaction.Path(path)} exists; name another file with --file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Result.Failure($"{FileError.Describe("write", path, e)}; name another file with --file");
        }
    }

    /// <summary>A report that is interrupted leaves no file.</summary>
    private async Task<Result<Unit>> WriteAsync(string path, FileStream file, DateTimeOffset now, CancellationToken cancellation)
    {
        var isWritten = false;
        try
        {
            await using (file)
                await file.WriteAsync(Encoding.UTF8.GetBytes(await CollectAsync(now, cancellation)), cancellation);
            isWritten = true;
            return Unit.Instance;
        }
        catch (IOException e)
        {
            return Result.Failure(FileError.Describe("write", path, e));
        }
        finally
        {
            if (!isWritten) File.Delete(path);
        }
    }
}
