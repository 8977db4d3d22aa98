using System.Text;
using Flannel.Testbed;
using Flanneld.Commands.Config;

namespace Flanneld.Tests.Commands.Config;

public sealed class ConfigInputTests : IDisposable
{
    private const string Valid = """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""";

    private readonly RunFolder folder = new("config-input");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_file_and_a_text_give_the_same_configuration()
    {
        var path = Write("network.json", Encoding.UTF8.GetBytes(Valid + "\r\n\n"));
        var file = (await ConfigInput.ReadAsync(path, Cancel)).Value;
        var text = (await ConfigInput.ReadAsync(" " + Valid, Cancel)).Value;
        Assert.Equal((path, Valid), (file.Name, Encoding.UTF8.GetString(file.Value)));
        Assert.Equal(("the argument", " " + Valid), (text.Name, Encoding.UTF8.GetString(text.Value)));
        Assert.True(file.Config.IsSameAs(text.Config));
        Assert.False(file.HadByteOrderMark);
    }

    [Fact]
    public void A_byte_order_mark_is_removed_and_reported()
    {
        var input = ConfigInput.Parse("x.json", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Valid)]).Value;
        Assert.True(input.HadByteOrderMark);
        Assert.Equal(Valid, Encoding.UTF8.GetString(input.Value));
        Assert.Contains("byte order mark", Assert.Single(input.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "x.json is empty: give a network configuration such as ")]
    [InlineData("\n \n", "x.json is empty: ")]
    [InlineData("{\"Network\":", "x.json is invalid: not valid JSON at line 1, byte 12")]
    [InlineData("[]", "x.json is invalid: it is an array, and must be a JSON object")]
    [InlineData("{\"Network\":\"10.24.0.0\"}", "x.json is invalid: Network is \"10.24.0.0\", and must be an IPv4 network")]
    [InlineData("{\"Network\":\"10.24.0.0/16\"}", "x.json is invalid: Backend is missing")]
    public void Invalid_input_is_one_line_that_names_the_source(string text, string error) =>
        Assert.StartsWith(error, ConfigInput.Parse("x.json", Encoding.UTF8.GetBytes(text)).Error);

    [Fact]
    public void Text_that_is_not_UTF_8_is_one_line_that_names_the_byte()
    {
        Assert.Equal("x is not valid UTF-8 at byte 3: save it as UTF-8", ConfigInput.Parse("x", [(byte)'{', (byte)'"', 0xFF]).Error);
        Assert.Equal("x is not valid UTF-8 at byte 5: save it as UTF-8", ConfigInput.Parse("x", [0xEF, 0xBB, 0xBF, (byte)'{', 0xC3]).Error);
        Assert.Equal("x is invalid: it is UTF-16, and must be UTF-8", ConfigInput.Parse("x", Encoding.Unicode.GetPreamble()).Error);
        Assert.Equal("x is larger than 1048576 bytes", ConfigInput.Parse("x", new byte[(1 << 20) + 1]).Error);
    }

    [Fact]
    public async Task A_path_that_cannot_be_read_is_one_line()
    {
        Assert.Equal("missing.json does not exist", (await ConfigInput.ReadAsync("missing.json", Cancel)).Error);
        Assert.Equal($"{folder.Path} is a directory", (await ConfigInput.ReadAsync(folder.Path, Cancel)).Error);
        // It may be a part of a password that follows a blank.
        Assert.DoesNotContain("hunter2", (await ConfigInput.ReadAsync("hunter2", Cancel)).Error);
    }

    [Fact]
    public void An_error_never_contains_a_secret()
    {
        const string text = """
            {"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"hunter2","AccessKeySecret":["hunter2"]}}
            """;
        Assert.DoesNotContain("hunter2", ConfigInput.Parse("x", Encoding.UTF8.GetBytes(text)).Error!);
    }

    private string Write(string name, byte[] content)
    {
        var path = Path.Combine(folder.Path, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
