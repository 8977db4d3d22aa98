using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Flannel.Packaging.Tests.Container;

/// <summary>An entry of a tar archive with its contents; empty contents for a folder.</summary>
internal sealed record ArchiveFile(TarEntry Entry, byte[] Content);

/// <summary>The image of one platform in an archive.</summary>
internal sealed record OciImage(string Architecture, JsonObject Manifest, JsonObject Config, IReadOnlyList<byte[]> Layers)
{
    /// <summary>The number of bytes that a node downloads.</summary>
    public long CompressedSize { get; init; }

    /// <summary>The files of the only layer in their order, with their contents.</summary>
    public IReadOnlyList<ArchiveFile> Files() => Read(Layers.Single());

    /// <summary>The files of the last layer.</summary>
    public IReadOnlyList<ArchiveFile> LastFiles() => Read(Layers[^1]);

    /// <summary>The contents of a file; its path has no leading slash.</summary>
    public byte[] File(string path) => Files().Single(file => file.Entry.Name == path).Content;

    private static IReadOnlyList<ArchiveFile> Read(byte[] layer)
    {
        using var plain = new GZipStream(new MemoryStream(layer), CompressionMode.Decompress);
        return OciArchive.Read(plain);
    }
}

/// <summary>An OCI image layout in a tar archive (https://github.com/opencontainers/image-spec/blob/main/image-layout.md). Checks each
/// digest and size.</summary>
internal sealed class OciArchive
{
    private readonly Dictionary<string, byte[]> files;
    private readonly HashSet<string> used = [];

    public OciArchive(string path)
    {
        using var stream = System.IO.File.OpenRead(path);
        files = Read(stream).Where(file => file.Entry.EntryType is TarEntryType.RegularFile)
            .ToDictionary(file => file.Entry.Name, file => file.Content);
        Assert.Equal("1.0.0", Json(files["oci-layout"])["imageLayoutVersion"]!.GetValue<string>());
        Root = Json(files["index.json"])["manifests"]!.AsArray().Single()!.AsObject();
        Index = Json(Blob(Root));
        Images = [.. Index["manifests"]!.AsArray().Select(entry => Image(entry!.AsObject()))];
    }

    /// <summary>The descriptor of the index in index.json.</summary>
    public JsonObject Root { get; }

    public string Digest => Root["digest"]!.GetValue<string>();

    public JsonObject Index { get; }

    public IReadOnlyList<OciImage> Images { get; }

    /// <summary>Blobs without a reference.</summary>
    public IEnumerable<string> Unused =>
        files.Keys.Where(name => name.StartsWith("blobs/", StringComparison.Ordinal) && !used.Contains(name));

    public static IReadOnlyList<ArchiveFile> Read(Stream stream)
    {
        List<ArchiveFile> files = [];
        using var reader = new TarReader(stream);
        while (reader.GetNextEntry() is { } entry)
        {
            using var content = new MemoryStream();
            entry.DataStream?.CopyTo(content);
            files.Add(new ArchiveFile(entry, content.ToArray()));
        }
        return files;
    }

    public static string Sha256(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static JsonObject Json(byte[] bytes) => JsonNode.Parse(bytes)!.AsObject();

    private OciImage Image(JsonObject entry)
    {
        var manifest = Json(Blob(entry));
        var layers = manifest["layers"]!.AsArray().Select(layer => Blob(layer!.AsObject())).ToList();
        var config = Blob(manifest["config"]!.AsObject());
        var size = entry["size"]!.GetValue<long>() + config.Length + layers.Sum(layer => (long)layer.Length);
        var architecture = entry["platform"]!["architecture"]!.GetValue<string>();
        return new OciImage(architecture, manifest, Json(config), layers) { CompressedSize = size };
    }

    private byte[] Blob(JsonObject descriptor)
    {
        var digest = descriptor["digest"]!.GetValue<string>();
        var name = $"blobs/{digest.Replace(':', '/')}";
        var bytes = files[name];
        Assert.Equal(digest, Sha256(bytes));
        Assert.Equal(descriptor["size"]!.GetValue<long>(), bytes.Length);
        used.Add(name);
        return bytes;
    }
}
