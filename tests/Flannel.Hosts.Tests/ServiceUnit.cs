using System.Text;
using Flannel.Testbed;

namespace Flannel.Hosts.Tests;

/// <summary>The commands and the environment of a unit with its drop-in, as shell scripts that do what systemd does: the environment files
/// are read again for each command.</summary>
internal sealed class ServiceUnit
{
    private readonly List<NamedValue> settings = [];

    /// <param name="texts">The unit, then its drop-ins.</param>
    public ServiceUnit(params string[] texts)
    {
        foreach (var line in texts.SelectMany(text => text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')))
        {
            if (line.StartsWith('#') || line.Split('=', 2) is not [var name, var value])
            {
                continue;
            }
            // An empty value removes the earlier ones.
            if (value.Length == 0)
            {
                settings.RemoveAll(setting => setting.Name == name);
            }
            else
            {
                settings.Add(new NamedValue(name, value.Replace("$$", "$", StringComparison.Ordinal)));
            }
        }
    }

    /// <summary>The commands of ExecStartPre, then the program.</summary>
    /// <param name="main">Converts the command line of ExecStart.</param>
    public string StartScript(Func<string, string> main) =>
        $"{Commands("ExecStartPre")}load\nexec {main(Assert.Single(Values("ExecStart")))}\n";

    public string PostScript => Commands("ExecStartPost");

    private IEnumerable<string> Values(string name) =>
        settings.Where(setting => setting.Name == name).Select(setting => setting.Value);

    private string Commands(string name)
    {
        var script = new StringBuilder();
        foreach (var variable in Values("Environment"))
        {
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"export {variable}\n");
        }
        var files = string.Join(' ', Values("EnvironmentFile").Select(file => file.TrimStart('-')));
        script.Append(System.Globalization.CultureInfo.InvariantCulture,
            $"load() {{ set -a; for file in {files}; do [ ! -r $file ] || . $file; done; set +a; }}\n");
        foreach (var command in Values(name))
        {
            script.Append(System.Globalization.CultureInfo.InvariantCulture, $"load\n{command} || exit 1\n");
        }
        return script.ToString();
    }
}
