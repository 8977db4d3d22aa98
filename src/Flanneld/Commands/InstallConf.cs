using Flannel.Core;
using Flanneld.Host;

namespace Flanneld.Commands;

/// <summary>The program <c>install-conf SOURCE TARGET</c> of upstream's image, which the init container <c>install-cni</c> of upstream's
/// <c>kube-flannel.yml</c> runs. In our image it is a link to this program. It is no command of flanneld: <c>--install-cni</c> writes a
/// conflist while the subnet may be used.</summary>
internal static class InstallConf
{
    public const string Name = "install-conf";

    /// <summary>Whether this process was started by that name.</summary>
    public static bool IsCalled() => Path.GetFileName(Environment.GetCommandLineArgs().FirstOrDefault()) == Name;

    /// <summary>Copies a file, which is replaced as a whole or not at all.</summary>
    public static Result<Unit> Run(IReadOnlyList<string> arguments)
    {
        if (arguments is not [var source, var target]) return Result.Failure($"usage: {Name} SOURCE TARGET");
        return SmallFile.Read(source) switch
        {
            SmallFileResult.Present present => AtomicFile.Write(target, present.Content),
            SmallFileResult.Unusable unusable => Result.Failure($"{Redaction.Path(source)} {unusable.Reason}"),
            _ => throw new InvalidOperationException("an unknown result of a read"),
        };
    }
}
