namespace Flannel.Kubernetes.Tests.Client.Support;

/// <summary>Objects as an API server sends them.</summary>
internal static class Json
{
    /// <param name="more">Further fields, after a comma.</param>
    public static string Node(string name, string resourceVersion = "7", string more = "") => $$"""
        {"apiVersion":"v1","kind":"Node","metadata":{"name":"{{name}}","uid":"uid-{{name}}","resourceVersion":"{{resourceVersion}}",
        "creationTimestamp":"2026-11-28T01:02:03Z","managedFields":[{"manager":"kubelet"}]}{{more}}}
        """.ReplaceLineEndings("");

    public static string Status(int code, string reason, string message, string details = "{}") => $$"""
        {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":{{System.Text.Json.JsonSerializer.Serialize(message)}},
        "reason":"{{reason}}","details":{{details}},"code":{{code}}}
        """.ReplaceLineEndings("");

    public static string Event(string type, string body) => $$"""{"type":"{{type}}","object":{{body}}}""";
}
