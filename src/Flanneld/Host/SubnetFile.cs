using Flannel.Core;
using Flannel.Core.Addresses;
using Flannel.Core.Leases;

namespace Flanneld.Host;

/// <summary>What exists at the path of <c>subnet.env</c>.</summary>
internal abstract record SubnetFileState
{
    private SubnetFileState()
    {
    }

    public sealed record Missing : SubnetFileState;

    /// <param name="HasExpectedMode">0644: Docker and CNI read it as other users.</param>
    public sealed record Present(byte[] Content, bool HasExpectedMode) : SubnetFileState
    {
        /// <summary>The subnet that the content names; null when it names none.</summary>
        public Ipv4Network? ReadSubnet() => SubnetEnv.ReadPreviousSubnet(Content);

        /// <summary>The IPv6 subnet that the content names; null when it names none.</summary>
        public Ipv6Network? ReadIpv6Subnet() => SubnetEnv.ReadPreviousIpv6Subnet(Content);

        /// <summary>The cluster's network that the content names; null when it names none.</summary>
        public Ipv4Network? ReadNetwork() => SubnetEnv.ReadPreviousNetwork(Content);

        /// <summary>The same for IPv6.</summary>
        public Ipv6Network? ReadIpv6Network() => SubnetEnv.ReadPreviousIpv6Network(Content);
    }

    /// <param name="Error">One line.</param>
    public sealed record Unreadable(string Error) : SubnetFileState;
}

/// <summary>The file through which the host learns its subnet.</summary>
internal interface ISubnetFile
{
    string Path { get; }

    SubnetFileState Read();

    Result<Unit> Write(SubnetEnv subnetEnv);

    /// <summary>Succeeds if there is none.</summary>
    Result<Unit> Remove();
}

/// <summary><c>subnet.env</c> on disk.</summary>
internal sealed class SubnetFile(string path) : ISubnetFile
{
    // Far above what any flannel writes.
    private const int MaxBytes = 64 * 1024;

    public string Path => path;

    public SubnetFileState Read()
    {
        try
        {
            using var stream = new FileStream(SmallFile.Open(path), FileAccess.Read);
            if (!stream.CanSeek)
                return new SubnetFileState.Unreadable($"cannot read {Redaction.Path(path)}: it is a pipe or a device, not a file");
            var buffer = new byte[(int)Math.Min(stream.Length, MaxBytes)];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return new SubnetFileState.Present(buffer[..length], File.GetUnixFileMode(stream.SafeFileHandle) == AtomicFile.Mode);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new SubnetFileState.Missing();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new SubnetFileState.Unreadable(FileError.Describe("read", path, e));
        }
    }

    public Result<Unit> Write(SubnetEnv subnetEnv) => AtomicFile.Write(path, subnetEnv.ToBytes());

    public Result<Unit> Remove() => AtomicFile.Remove(path);
}
