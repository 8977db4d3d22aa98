using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;

namespace Flannel.Core.Tests;

public sealed class SecretTests
{
    private const string Value = "s3cr3t-LTAI5tExample";

    private sealed record Credentials(string Id, Secret Key);

    [Fact]
    public void A_secret_is_not_printed_in_any_common_way()
    {
        var secret = new Secret(Value);
        var including = new JsonSerializerOptions { IncludeFields = true };
        string[] texts =
        [
            $"{secret}", $"{secret,30:X}", secret.ToString(), string.Concat("", secret), new StringBuilder().Append(secret).ToString(),
            string.Format(CultureInfo.InvariantCulture, "{0}", secret), new Credentials("id", secret).ToString(), (1, secret).ToString(),
            JsonSerializer.Serialize(secret, including), JsonSerializer.Serialize(new Credentials("id", secret), including),
            JsonSerializer.Serialize<object>(secret, including), new InvalidOperationException($"rejected: {secret}").ToString(),
        ];
        foreach (var text in texts)
        {
            Assert.DoesNotContain(Value, text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes(Value)), text, StringComparison.Ordinal);
        }

        Assert.Equal("***", secret.ToString());
        Assert.Equal("Credentials { Id = id, Key = *** }", new Credentials("id", secret).ToString());
    }

    [Fact]
    public void The_debugger_shows_asterisks_and_no_field()
    {
        Assert.Equal("***", typeof(Secret).GetCustomAttribute<DebuggerDisplayAttribute>()?.Value);
        foreach (var field in typeof(Secret).GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public))
            Assert.Equal(DebuggerBrowsableState.Never, field.GetCustomAttribute<DebuggerBrowsableAttribute>()?.State);
    }

    [Fact]
    public void Only_Reveal_and_RevealText_return_it()
    {
        var secret = new Secret(Value);
        Assert.Equal(Encoding.UTF8.GetBytes(Value), secret.Reveal());
        Assert.Equal(Value, secret.RevealText());
        Assert.Equal("pässwörd✓", new Secret("pässwörd✓").RevealText());
    }

    [Fact]
    public void It_keeps_a_copy_and_overwrites_it_when_disposed()
    {
        var bytes = Encoding.UTF8.GetBytes(Value);
        var secret = new Secret(bytes);
        Array.Clear(bytes);
        Assert.Equal(Value, secret.RevealText());
        secret.Dispose();
        Assert.Equal(new byte[Value.Length], secret.Reveal());
    }

    [Fact]
    public void Equal_bytes_are_equal_secrets_and_the_hash_is_constant()
    {
        Assert.True(new Secret(Value).Equals(new Secret(Encoding.UTF8.GetBytes(Value))));
        Assert.True(new Secret(Value).Equals((object)new Secret(Value)));
        Assert.False(new Secret(Value).Equals(new Secret(Value + "x")));
        Assert.False(new Secret(Value).Equals((Secret?)null));
        Assert.False(new Secret(Value).Equals((object)Value));
        Assert.Equal(new Secret(Value).GetHashCode(), new Secret("another").GetHashCode());
    }

    [Fact]
    public void IsEmpty_does_not_reveal_the_secret()
    {
        Assert.True(new Secret("").IsEmpty);
        Assert.False(new Secret(" ").IsEmpty);
    }
}
