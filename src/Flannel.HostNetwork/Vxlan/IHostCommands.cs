using Flannel.Core;

namespace Flannel.HostNetwork.Vxlan;

/// <summary>Runs <c>ip</c> and <c>bridge</c> of iproute2.</summary>
public interface IHostCommands
{
    /// <returns>The standard output; fails with one line that says what is missing.</returns>
    /// <param name="program"><c>ip</c> or <c>bridge</c>.</param>
    /// <param name="input">The standard input.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    Task<Result<string>> RunAsync(string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation);
}
