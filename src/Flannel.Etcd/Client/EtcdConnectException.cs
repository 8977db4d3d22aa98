namespace Flannel.Etcd.Client;

/// <summary>A connection could not be opened, so nothing was sent. The message is one line for an operator.</summary>
internal sealed class EtcdConnectException(EtcdErrorKind kind, string message, Exception? inner = null) : IOException(message, inner)
{
    public EtcdErrorKind Kind { get; } = kind;

    /// <summary>This exception inside those of gRPC and HttpClient; null if it is not there.</summary>
    public static EtcdConnectException? In(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is EtcdConnectException failure) return failure;
        }

        return null;
    }
}
