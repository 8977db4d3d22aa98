namespace Flannel.Core.Tests;

public sealed class FileErrorTests
{
    private const string Path = "/run/flannel/subnet.env";

    [Fact]
    public void A_message_names_the_path_once()
    {
        Exception[] errors =
        [
            new UnauthorizedAccessException($"Access to the path '{Path}' is denied."),
            new IOException($"No space left on device : '{Path}'"),
            new IOException($"The file '{Path}' already exists."), new FileNotFoundException($"Could not find file '{Path}'."),
            new DirectoryNotFoundException($"Could not find a part of the path '{Path}'."),
            new PathTooLongException($"The specified file name or path is too long: '{Path}'"),
        ];
        Assert.Equal(
            [
                $"cannot read {Path}: access is denied", $"cannot read {Path}: No space left on device",
                $"cannot read {Path}: The file already exists", $"cannot read {Path}: it does not exist",
                $"cannot read {Path}: its folder does not exist", $"cannot read {Path}: the name is too long",
            ],
            errors.Select(error => FileError.Describe("read", Path, error)));
    }

    [Fact]
    public void The_messages_of_the_runtime_are_known()
    {
        using var folder = new TemporaryFolder();
        var file = System.IO.Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "");
        (string Path, Action<string> Write)[] attempts =
        [
            (file, path => new FileStream(path, FileMode.CreateNew).Dispose()), ($"{file}/below", path => File.WriteAllText(path, "")),
            ($"{folder.Path}/none/file", path => File.WriteAllText(path, "")), (folder.Path, path => File.WriteAllText(path, "")),
            ("/dev/full", path => File.WriteAllText(path, "x")),
        ];
        foreach (var (path, write) in attempts)
        {
            var error = Assert.ThrowsAny<SystemException>(() => write(path));
            var line = FileError.Describe("write", path, error);
            Assert.Equal(line.IndexOf(path, StringComparison.Ordinal), line.LastIndexOf(path, StringComparison.Ordinal));
        }
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("file-error").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
