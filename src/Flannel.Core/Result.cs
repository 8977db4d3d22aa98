using System.Diagnostics.CodeAnalysis;

namespace Flannel.Core;

/// <summary>The outcome of an operation that can fail for a reason which its caller reports: a value, or one line that says what is wrong.
/// Immutable. Exceptions are for internal errors and for what the caller cannot foresee.</summary>
/// <example><code>
/// var parsed = EtcdKeys.Parse(prefix);
/// if (!parsed.Ok) return Result.Failure($"--etcd-prefix: {parsed.Error}");
/// Use(parsed.Value);
/// </code></example>
public sealed class Result<T> where T : notnull
{
    private readonly T? value;

    private Result(T? value, string? error) => (this.value, Error) = (value, error);

    /// <summary>True if there is a <see cref="Value"/>.</summary>
    [MemberNotNullWhen(false, nameof(Error))]
    public bool Ok => Error is null;

    /// <summary>One line without a secret and without a trailing full stop; null on success.</summary>
    public string? Error { get; }

    /// <exception cref="InvalidOperationException">The operation failed.</exception>
    public T Value => Error is null ? value! : throw new InvalidOperationException($"no value: {Error}");

    /// <summary>Applies <paramref name="map"/> to the value. A failure stays as it is.</summary>
    public Result<TOther> Select<TOther>(Func<T, TOther> map) where TOther : notnull =>
        Error is null ? map(value!) : Result.Failure(Error);

    /// <summary>The same outcome; a failure gets <paramref name="prefix"/> before its line, such as the name of an option.</summary>
    public Result<T> WithErrorPrefix(string prefix) => Error is null ? this : Result.Failure(prefix + Error);

    public override string ToString() => Error is null ? $"{value}" : $"failure: {Error}";

    public static implicit operator Result<T>(T value) => new(value, null);

    public static implicit operator Result<T>(Failure failure) => new(default, failure.Error);
}

/// <summary>Creates failed results.</summary>
public static class Result
{
    /// <param name="error">One line without a secret and without a trailing full stop: what is wrong, where, and what to do.</param>
    public static Failure Failure(string error) => new(error);
}

/// <summary>A failure of any <see cref="Result{T}"/>, which it converts to.</summary>
public sealed record Failure(string Error);
