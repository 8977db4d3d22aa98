namespace Flannel.Testbed;

/// <summary>An environment variable, a setting of a file, or a file below /proc/sys/net, with its value.</summary>
public sealed record NamedValue(string Name, string Value);
