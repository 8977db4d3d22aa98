using Flanneld.Host;

namespace Flanneld.Tests.Support;

/// <summary>A folder in the place of the root of a host.</summary>
internal sealed class FakeHost : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("flanneltest-host-");

    public HostFiles Files => new(folder.FullName);

    public string Root => folder.FullName;

    public FakeHost With(string path, string content)
    {
        var full = Files.PathOf(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
        return this;
    }

    /// <summary>A process as /proc shows it.</summary>
    public FakeHost WithProcess(int id, string name, params string[] arguments) =>
        With($"/proc/{id}/comm", name + "\n").With($"/proc/{id}/cmdline", string.Join('\0', arguments) + "\0");

    public FakeHost WithSubnetFile(string path = "/run/flannel/subnet.env", string subnet = "10.24.5.1/24", int mtu = 1500) =>
        With(path, $"FLANNEL_NETWORK=10.24.0.0/16\nFLANNEL_SUBNET={subnet}\nFLANNEL_MTU={mtu}\nFLANNEL_IPMASQ=false\n");

    public void Dispose() => folder.Delete(recursive: true);
}
