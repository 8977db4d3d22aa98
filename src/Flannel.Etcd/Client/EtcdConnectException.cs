namespace Flannel.Etcd.Client;

/// <summary>A connection that never came to be, so nothing was sent on it. The message is one line for an operator.</summary>
internal sealed class EtcdConnectException(EtcdErrorKind kind, string message, Exception? inner = null) : IOException(message, inner)
{
    public EtcdErrorKind Kind { get; } = kind;

    /// <summary>The failure itself if it is somewhere inside what gRPC and HttpClient made of it.</summary>
    public static EtcdConnectException? In(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is EtcdConnectException failure) return failure;
        }

        return null;
    }
}
