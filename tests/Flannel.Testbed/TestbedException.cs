namespace Flannel.Testbed;

/// <summary>A part of the test bed failed. The message names the part and includes its output.</summary>
public sealed class TestbedException(string message, Exception? inner = null) : Exception(message, inner);
