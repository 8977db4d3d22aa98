namespace Flannel.Etcd.Connection;

/// <summary>In TLS 1.3 the server judges our certificate after the handshake has ended for us; its refusal comes as an alert on the first read.</summary>
internal static class TlsRefusal
{
    public static string? Of(Exception? exception) => exception is null ? null : null;
}
