using System.Net;

namespace Flannel.Kubernetes.Client.Access;

/// <summary>The proxy of the environment, as client-go uses it: it is not used for this host, nor for networks in <c>NO_PROXY</c>
/// (golang.org/x/net/http/httpproxy). .NET supports names and single addresses only, and operators list the networks of pods and
/// services.</summary>
/// <param name="inner">Reads the other variables and entries.</param>
/// <param name="noProxy">The value of the variable; null without one.</param>
internal sealed class ClusterProxy(IWebProxy inner, string? noProxy) : IWebProxy
{
    private readonly List<IPNetwork> networks = [.. Networks(noProxy ?? "")];

    public ICredentials? Credentials
    {
        get => inner.Credentials;
        set => throw new NotSupportedException();
    }

    public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : inner.GetProxy(destination);

    public bool IsBypassed(Uri host) =>
        host.IsLoopback
        || (IPAddress.TryParse(host.DnsSafeHost, out var address) && networks.Exists(network => network.Contains(address)))
        || inner.IsBypassed(host);

    private static IEnumerable<IPNetwork> Networks(string list)
    {
        foreach (var entry in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var slash = entry.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0 || !IPAddress.TryParse(entry.AsSpan(0, slash), out var address)) continue;
            var longest = 8 * address.GetAddressBytes().Length;
            if (int.TryParse(entry.AsSpan(slash + 1), out var length) && length >= 0 && length <= longest)
                yield return new IPNetwork(Masked(address, length), length);
        }
    }

    /// <summary>Go ignores the host bits of an entry; .NET rejects them.</summary>
    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(length - 8 * i, 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes);
    }
}
