using System.Security.Cryptography;
using Flannel.Core;
using Flannel.Core.Configuration;

namespace Flannel.Kubernetes.Registry;

/// <summary>The network configuration as the file had it.</summary>
/// <param name="Revision">Counts the contents that this process has seen, from 1; also for a file that is missing.</param>
public sealed record NetConfState(ConfigState Config, long Revision);

/// <summary>The network configuration in the file of <c>--net-config-path</c>, a key of a ConfigMap. The kubelet replaces it through a
/// symbolic link, which may lead to an older file: so the content is compared, and not the time of the file. Thread-safe.</summary>
public sealed class NetConfFile(string path, TimeProvider time)
{
    /// <summary>Upstream's default of <c>--net-config-path</c>.</summary>
    public const string DefaultPath = "/etc/kube-flannel/net-conf.json";

    /// <summary>The kubelet replaces a ConfigMap up to a minute after it was changed.</summary>
    internal static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(5);

    private static readonly byte[] NoContent = [];

    private readonly Lock gate = new();
    private byte[]? lastHash;
    private NetConfState? last;

    public string Path => path;

    /// <summary>Reads the file.</summary>
    public NetConfState Read()
    {
        var file = SmallFile.Read(path);
        var hash = Hash(file);
        lock (gate)
        {
            if (last is not null && hash.AsSpan().SequenceEqual(lastHash)) return last;
            lastHash = hash;
            var revision = (last?.Revision ?? 0) + 1;
            return last = new NetConfState(Parse(file, revision), revision);
        }
    }

    /// <summary>Returns when the content is no longer that of a revision, or after <paramref name="atMost"/>.</summary>
    public async Task WaitForChangeAsync(long revision, TimeSpan atMost, CancellationToken cancellation)
    {
        var end = atMost == Timeout.InfiniteTimeSpan ? (long?)null : time.TimestampAfter(TimerRange.Clamp(atMost));
        while (Read().Revision == revision)
        {
            var wait = end is { } known && time.TimeUntil(known) is var left && left < PollInterval ? left : PollInterval;
            if (wait <= TimeSpan.Zero) return;
            await Task.Delay(wait, time, cancellation);
        }
    }

    private static ConfigState Parse(SmallFileResult file, long revision)
    {
        if (file is not SmallFileResult.Present present)
        {
            var unusable = (SmallFileResult.Unusable)file;
            return unusable.Fault == SmallFileFault.Missing
                ? new ConfigState.Missing()
                : new ConfigState.Invalid($"the file {unusable.Reason}", revision);
        }

        var config = NetworkConfigParser.Parse(present.Content);
        return config.Ok ? new ConfigState.Present(config.Value, revision) : new ConfigState.Invalid(config.Error, revision);
    }

    /// <summary>A hash, because the content may be a secret.</summary>
    private static byte[] Hash(SmallFileResult file) => file switch
    {
        SmallFileResult.Present present => SHA256.HashData(present.Content),
        SmallFileResult.Unusable { Fault: SmallFileFault.Missing } => NoContent,
        SmallFileResult.Unusable unusable => SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(unusable.Reason)),
        _ => throw new InvalidOperationException("another result of a read"),
    };
}
