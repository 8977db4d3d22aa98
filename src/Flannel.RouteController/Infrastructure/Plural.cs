namespace Flannel.RouteController.Infrastructure;

/// <summary>Singular and plural.</summary>
public static class Plural
{
    /// <summary><c>1 route</c>, <c>2 routes</c>. For log lines: the number is part of the text.</summary>
    public static string Of(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
