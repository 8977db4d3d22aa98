namespace Flannel.Testbed;

/// <summary>A part of the test bed did not do what it was asked: the message names the part and carries what it printed.</summary>
public sealed class TestbedException(string message, Exception? inner = null) : Exception(message, inner);
