using Flanneld.Commands.Output;

namespace Flanneld.Tests.Commands.Output;

public sealed class YamlTextTests
{
    [Fact]
    public void Objects_and_lists_are_nested_by_indentation()
    {
        const string json =
            """
            {"kind":"LeaseList","items":[{"subnet":"10.24.5.0/24","route":{"state":"Available","tables":["vtb-a","vtb-b"]}},{"subnet":"10.24.6.0/24","route":null}],
             "free":250,"ready":true,"none":[],"empty":{}}
            """;
        Assert.Equal(
            """
            kind: LeaseList
            items:
              - subnet: "10.24.5.0/24"
                route:
                  state: Available
                  tables:
                    - vtb-a
                    - vtb-b
              - subnet: "10.24.6.0/24"
                route: null
            free: 250
            ready: true
            none: []
            empty: {}

            """,
            YamlText.Of(json));
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("yes", "\"yes\"")]
    [InlineData("Null", "\"Null\"")]
    [InlineData("", "\"\"")]
    [InlineData("10.24.5.0", "\"10.24.5.0\"")]
    [InlineData("a: b", "\"a: b\"")]
    [InlineData("two\nlines", "\"two\\nlines\"")]
    [InlineData("# no comment", "\"# no comment\"")]
    [InlineData("中文", "\"中文\"")]
    [InlineData("a \"\U0001F600\"\n", "\"a \\\"\\U0001F600\\\"\\n\"")]
    public void A_text_that_may_mean_something_else_is_quoted(string text, string expected) =>
        Assert.Equal($"a: {expected}\n", YamlText.Of($$"""{"a":{{JsonText.Quote(text)}}}"""));

    /// <summary>The parser of network configurations accepts 64 levels.</summary>
    [Fact]
    public void A_deep_document_is_printed()
    {
        var deep = $"{{\"stored\":{{\"a\":{new string('[', 63)}1{new string(']', 63)}}}}}";
        Assert.EndsWith("- 1\n", YamlText.Of(deep), StringComparison.Ordinal);
    }
}
