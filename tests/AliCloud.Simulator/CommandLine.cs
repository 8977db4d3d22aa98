using System.Net;

namespace AliCloud.Simulator;

/// <summary>The options of the program, each <c>--name value</c>.</summary>
internal sealed record CommandLine(string CloudSetup, IPEndPoint? Metadata, IPEndPoint Api, IPEndPoint Control, bool UntilStdinCloses)
{
    public const string Usage =
        "usage: AliCloud.Simulator --setup FILE [--metadata URL] [--api URL] [--control URL] [--until-stdin-closes]";

    /// <exception cref="FormatException">The message is one line.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        string? setup = null;
        IPEndPoint? metadata = null;
        var (api, control, untilStdinCloses) = (anyPort, anyPort, false);
        for (var i = 0; i < args.Count; i++)
        {
            string Value() => ++i < args.Count ? args[i] : throw new FormatException($"{args[i - 1]} needs a value");
            switch (args[i])
            {
                case "--setup": setup = Value(); break;
                case "--metadata": metadata = EndPoint(Value()); break;
                case "--api": api = EndPoint(Value()); break;
                case "--control": control = EndPoint(Value()); break;
                case "--until-stdin-closes": untilStdinCloses = true; break;
                default: throw new FormatException($"unknown option {args[i]}; {Usage}");
            }
        }

        return new CommandLine(
            setup ?? throw new FormatException("--setup is missing; " + Usage), metadata, api, control, untilStdinCloses);
    }

    private static IPEndPoint EndPoint(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme == "http"
            && IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && uri.Port >= 0
            ? new IPEndPoint(address, uri.Port)
            : throw new FormatException($"'{url}' is not http://ADDRESS:PORT");
}
