using System.Globalization;

namespace Flannel.Demo.Dashboard;

/// <summary>Values in the units of Grafana that the dashboard uses.</summary>
internal static class UnitFormat
{
    public static string Format(double value, string unit) => unit switch
    {
        _ when double.IsNaN(value) => "no data",
        "percentunit" => Number(value * 100, " %"),
        "bytes" => Shorten(value, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]),
        "s" => Seconds(value),
        "reqps" => Number(value, " req/s"),
        "ops" => Number(value, " /s"),
        "bool_yes_no" => value switch { 0 => "no", 1 => "yes", _ => "" },
        _ => Shorten(value, 1000, ["", "K", "M", "G"]),
    };

    /// <summary>The value of one unit of the numbers that are written: 3600 for hours, 1048576 for MiB.</summary>
    public static double Scale(double value, string unit) => (unit, value) switch
    {
        ("s", >= 172800) => 86400,
        ("s", >= 7200) => 3600,
        ("s", >= 120) => 60,
        ("bytes", >= 1024) => Math.Pow(1024, Math.Floor(Math.Log(value, 1024))),
        _ => 1,
    };

    private static string Seconds(double value) => Math.Abs(value) switch
    {
        0 => "0 s",
        < 1 => Number(value * 1000, " ms"),
        < 120 => Number(value, " s"),
        < 7200 => Number(value / 60, " min"),
        < 172800 => Number(value / 3600, " h"),
        _ => Number(value / 86400, " d"),
    };

    private static string Shorten(double value, double factor, string[] names)
    {
        var step = 0;
        while (Math.Abs(value) >= factor && step + 1 < names.Length)
        {
            (value, step) = (value / factor, step + 1);
        }
        return Number(value, names[step].Length > 0 ? " " + names[step] : "");
    }

    private static string Number(double value, string suffix) =>
        value.ToString(Math.Abs(value) >= 100 ? "0" : "0.##", CultureInfo.InvariantCulture) + suffix;
}
