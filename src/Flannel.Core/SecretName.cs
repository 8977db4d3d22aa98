namespace Flannel.Core;

/// <summary>Recognizes the names of values that must not be shown: of variables, flags and properties of JSON. Pure.</summary>
public static class SecretName
{
    private static readonly string[] Parts =
        ["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "TOKEN", "CREDENTIAL", "PRIVATEKEY", "AUTHORIZATION"];

    /// <summary>The secret of the network configuration, which may be misspelt.</summary>
    private static readonly string[] Known = ["AccessKeySecret"];

    /// <summary>Whether the value of that name is probably a secret, however the name is spelt. True for too many rather than for too
    /// few.</summary>
    public static bool Matches(string name)
    {
        var letters = string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();
        return Parts.Any(part => letters.Contains(part, StringComparison.Ordinal)) || Suggestion.ForAnyCase(letters, Known) is not null;
    }
}
