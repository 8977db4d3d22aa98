using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Flannel.AliCloud.Http;

/// <summary>The level at which a failed call is logged. One failure alone is debug, because the first retry usually succeeds; the next ones
/// of the same action in a row are warnings. A response that the caller expects and reports itself, such as a missing permission, is
/// debug. Thread-safe.</summary>
internal sealed class CallFailures
{
    private readonly ConcurrentDictionary<string, bool> failing = new(StringComparer.Ordinal);

    public void Succeeded(string action) => failing.TryRemove(action, out _);

    /// <returns>The level of the failure.</returns>
    public LogLevel Failed(string action, CloudErrorKind kind)
    {
        var isOfApi = kind is CloudErrorKind.Retry or CloudErrorKind.Reread or CloudErrorKind.RefreshCredentials or CloudErrorKind.Unknown;
        if (!isOfApi)
        {
            Succeeded(action);
            return LogLevel.Debug;
        }

        return failing.TryAdd(action, true) ? LogLevel.Debug : LogLevel.Warning;
    }
}
