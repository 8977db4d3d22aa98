using System.Globalization;
using System.Security;
using System.Text;

namespace Flannel.Demo.Dashboard;

/// <summary>Writes the elements of an SVG image.</summary>
internal sealed class SvgWriter(double width, double height)
{
    private readonly StringBuilder elements = new();

    public void Rectangle(double x, double y, double w, double h, string fill, string stroke = "none") =>
        elements.Append(CultureInfo.InvariantCulture,
            $"<rect x=\"{x:0.#}\" y=\"{y:0.#}\" width=\"{w:0.#}\" height=\"{h:0.#}\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n");

    public void Line(double x1, double y1, double x2, double y2, string stroke) =>
        elements.Append(CultureInfo.InvariantCulture,
            $"<line x1=\"{x1:0.#}\" y1=\"{y1:0.#}\" x2=\"{x2:0.#}\" y2=\"{y2:0.#}\" stroke=\"{stroke}\"/>\n");

    /// <param name="anchor"><c>start</c>, <c>middle</c> or <c>end</c>.</param>
    public void Text(double x, double y, string text, int size, string fill, string anchor = "start", bool isBold = false) =>
        elements.Append(CultureInfo.InvariantCulture,
            $"<text x=\"{x:0.#}\" y=\"{y:0.#}\" font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{anchor}\"")
            .Append(isBold ? " font-weight=\"bold\">" : ">").Append(SecurityElement.Escape(text)).Append("</text>\n");

    public void Polyline(IEnumerable<ChartPoint> points, string stroke) =>
        elements.Append(CultureInfo.InvariantCulture, $"<polyline points=\"{Join(points)}\" fill=\"none\" stroke=\"{stroke}\"/>\n");

    public void Polygon(IEnumerable<ChartPoint> points, string fill) =>
        elements.Append(CultureInfo.InvariantCulture, $"<polygon points=\"{Join(points)}\" fill=\"{fill}\" fill-opacity=\"0.5\"/>\n");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:0} {height:0}\" font-family=\"sans-serif\">\n{elements}</svg>\n");

    private static string Join(IEnumerable<ChartPoint> points) =>
        string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:0.#},{point.Y:0.#}")));
}

/// <summary>A point of the image.</summary>
internal readonly record struct ChartPoint(double X, double Y);
