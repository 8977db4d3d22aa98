using Flannel.Core;
using Flannel.HostNetwork.Vxlan;

namespace Flannel.HostNetwork.Tests.Vxlan;

/// <summary>The real <c>ip</c> and <c>bridge</c> in a network namespace.</summary>
internal sealed class NamespaceCommands(string name) : IHostCommands
{
    private readonly Iproute2 commands = new(TimeProvider.System);

    public Task<Result<string>> RunAsync(
        string program, IReadOnlyList<string> arguments, string input, CancellationToken cancellation) =>
        commands.RunAsync(program, ["-n", name, .. arguments], input, cancellation);
}
