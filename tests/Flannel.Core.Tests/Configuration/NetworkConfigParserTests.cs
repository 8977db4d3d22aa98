using System.Text;
using System.Text.Json;
using Flannel.Core.Configuration;

namespace Flannel.Core.Tests.Configuration;

public sealed class NetworkConfigParserTests
{
    private const string Secret = "s3cr3t-LTAI5tExample";

    [Theory]
    [InlineData("""{"NETWORK":"10.24.0.0/16","SUBNETLEN":26}""")]
    [InlineData("""{"network":"10.24.0.0/16","subnetlen":26}""")]
    [InlineData("""{"nEtWoRk":"10.24.0.0/16","sUBNETlEN":26}""")]
    [InlineData("""{"Netw\u006frk":"10.24.0.0\/16","SubnetLen":26}""")]
    [InlineData("""{"Network":"10.99.0.0/16","SubnetLen":30,"network":"10.24.0.0/16","subnetLen":26}""")]
    [InlineData("""{"Network":"10.24.0.0/16","SubnetLen":26,"EnableNFTables":true,"Comment":{"Network":[1]},"":null}""")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetLen":26,"Network":null,"SubnetMin":null,"SubnetMax":null,"EnableIPv4":null,"EnableIPv6":null}""")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SubnetLen":26,"IPv6Network":null,"IPv6SubnetLen":null,"IPv6SubnetMin":null,"IPv6SubnetMax":null}""")]
    [InlineData(" \t\r\n{ \"Network\" : \"10.24.0.0/16\" ,\r\n \"SubnetLen\" : 26 } \n")]
    public void Names_match_in_any_case_the_last_wins_the_unknown_is_ignored_null_is_not_given(string json)
    {
        var result = Parse(json);
        Assert.Null(result.Error);
        Assert.Equal("10.24.0.0/16 SubnetLen 26 10.24.0.64..10.24.255.192 backend udp", result.Value.ToString());
    }

    [Theory]
    [InlineData("""  "Network": ""  """, """Network is "", and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "Network": 10  """, """Network is 10, and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "Network": true  """, """Network is true, and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "Network": []  """, """Network is an array, and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "network": "10.24.0.0"  """, """network is "10.24.0.0", and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "Network": "fc00::/48"  """, """Network is "fc00::/48", and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "Network": "010.24.0.0/16"  """,
        """Network is "010.24.0.0/16", and must be an IPv4 network such as "10.24.0.0/16".""")]
    [InlineData("""  "IPv6Network": "10.24.0.0/16"  """,
        """IPv6Network is "10.24.0.0/16", and must be an IPv6 network such as "fc00::/48".""")]
    [InlineData("""  "SubnetMin": "10.24.1"  """, """SubnetMin is "10.24.1", and must be an IPv4 address such as "10.24.1.0".""")]
    [InlineData("""  "SubnetMax": "10.24.01.0"  """, """SubnetMax is "10.24.01.0", and must be an IPv4 address such as "10.24.1.0".""")]
    [InlineData("""  "SubnetMax": 5  """, """SubnetMax is 5, and must be an IPv4 address such as "10.24.1.0".""")]
    [InlineData("""  "IPv6SubnetMin": "x"  """, """IPv6SubnetMin is "x", and must be an IPv6 address such as "fc00:0:0:1::".""")]
    [InlineData("""  "IPv6SubnetMax": false  """, """IPv6SubnetMax is false, and must be an IPv6 address such as "fc00:0:0:1::".""")]
    [InlineData("""  "SubnetLen": "24"  """, """SubnetLen is "24", and must be a prefix length such as 24, without quotes.""")]
    [InlineData("""  "SubnetLen": -1  """, "SubnetLen is -1, and must be a prefix length such as 24, without quotes.")]
    [InlineData("""  "SubnetLen": 24.0  """, "SubnetLen is 24.0, and must be a prefix length such as 24, without quotes.")]
    [InlineData("""  "SubnetLen": 2.4e1  """, "SubnetLen is 2.4e1, and must be a prefix length such as 24, without quotes.")]
    [InlineData("""  "SubnetLen": 4294967320  """, "SubnetLen is 4294967320, and must be a prefix length such as 24, without quotes.")]
    [InlineData(
        """  "IPv6SubnetLen": 1e999999999999999999999999999999999999999999999999999999999999  """,
        "IPv6SubnetLen is 1e9999999999999999999999999999999999999999999999999999999..., "
        + "and must be a prefix length such as 24, without quotes.")]
    [InlineData("""  "EnableIPv4": "true"  """, """EnableIPv4 is "true", and must be true or false.""")]
    [InlineData("""  "EnableNFTables": "true"  """, """EnableNFTables is "true", and must be true or false.""")]
    [InlineData("""  "EnableIPv6": 1  """, "EnableIPv6 is 1, and must be true or false.")]
    [InlineData("""  "Backend": "ali-vpc"  """, "Backend is a string, and must be an object with a Type.")]
    [InlineData("""  "Backend": ["ali-vpc"]  """, "Backend is an array, and must be an object with a Type.")]
    [InlineData("""  "Backend": 7  """, "Backend is a number, and must be an object with a Type.")]
    [InlineData("""  "Backend": false  """, "Backend is a boolean, and must be an object with a Type.")]
    [InlineData("""  "Backend": {"Type":7}  """, """Backend.Type is a number, and must be a string such as "ali-vpc".""")]
    [InlineData("""  "Backend": {"Type":{}}  """, """Backend.Type is an object, and must be a string such as "ali-vpc".""")]
    public void An_invalid_value_is_reported_with_the_right_form(string property, string error)
    {
        // The wrong value comes first and a valid one last: as in Go, the configuration stays invalid.
        var result = Parse($$"""{"Network":"10.24.0.0/16",{{property}},"Network":"10.24.0.0/16","SubnetLen":24}""");
        Assert.False(result.Ok);
        Assert.Equal(error, result.Error + ".");
    }

    [Theory]
    [InlineData("[]", "it is an array, and must be a JSON object")]
    [InlineData("\"10.24.0.0/16\"", "it is a string, and must be a JSON object")]
    [InlineData("7", "it is a number, and must be a JSON object")]
    [InlineData("null", "it is null, and must be a JSON object")]
    [InlineData("true", "it is a boolean, and must be a JSON object")]
    [InlineData("", "not valid JSON at line 1, byte 1")]
    [InlineData(" ", "not valid JSON at line 1, byte 2")]
    [InlineData("Network", "not valid JSON at line 1, byte 1")]
    [InlineData("{\"Network\":\"10.24.0.0/16\"", "not valid JSON at line 1, byte 26")]
    [InlineData("{\"Network\":\"10.24.0.0/16\",}", "not valid JSON at line 1, byte 27")]
    [InlineData("{\n  \"Network\": \"10.24.0.0/16\"\n  \"SubnetLen\": 24\n}", "not valid JSON at line 3, byte 3")]
    [InlineData("{\n  \"Network\": 10.24.0.0/16\n}", "not valid JSON at line 2, byte 19")]
    [InlineData("{} {}", "not valid JSON at line 1, byte 4")]
    [InlineData("{} // note", "not valid JSON at line 1, byte 4")]
    [InlineData("{}\uFEFF", "not valid JSON at line 1, byte 3")]
    [InlineData("{\"Network\":\"\\ud800\"}", "not valid JSON: a string is not valid Unicode")]
    [InlineData("{\"\\udc00\":1}", "not valid JSON: a string is not valid Unicode")]
    [InlineData("{\"Backend\":{\"RouteTableID\":[\"\\ud800\"]}}", "not valid JSON: a string is not valid Unicode")]
    public void Invalid_JSON_is_rejected_with_its_position(string text, string error)
    {
        var result = Parse(text);
        Assert.False(result.Ok);
        Assert.Equal(error, result.Error);
    }

    [Fact]
    public void Bytes_that_are_not_text_are_rejected()
    {
        Assert.Equal("not valid JSON: a string is not valid Unicode",
            NetworkConfigParser.Parse([.. "{\"Network\":\""u8, 0xFF, .. "\"}"u8]).Error);
        Assert.Equal("larger than 1048576 bytes", NetworkConfigParser.Parse(new byte[(1 << 20) + 1]).Error);
        Assert.StartsWith("not valid JSON at line 1", Parse(new string('[', 100_000)).Error, StringComparison.Ordinal);
    }

    [Theory]
    // As Go's net.ParseCIDR, on which upstream relies.
    [InlineData(
        """{"Network":"10.24.5.1/16"}""", "10.24.0.0/16",
        "Network \"10.24.5.1/16\" has bits beyond its length, and is read as 10.24.0.0/16")]
    [InlineData(
        """{"Network":"10.24.0.0/16","IPv6Network":"fc00::1/48"}""", "10.24.0.0/16",
        "IPv6Network \"fc00::1/48\" has bits beyond its length, and is read as fc00::/48")]
    [InlineData(
        """{"Network":"10.24.0.0/16","SudbnetMax":"10.24.9.0"}""", "10.24.0.0/16",
        "unknown property SudbnetMax is ignored: did you mean SubnetMax?")]
    [InlineData(
        """{"Network":"10.24.0.0/16","subnetLenght":26}""", "10.24.0.0/16",
        "unknown property subnetLenght is ignored: did you mean SubnetLen?")]
    [InlineData(
        """{"Network":"10.24.0.0/16","Backends":{"Type":"vxlan"}}""", "10.24.0.0/16",
        "unknown property Backends is ignored: did you mean Backend?")]
    [InlineData("""{"Network":"10.24.0.0/16","Type":"ali-vpc"}""", "10.24.0.0/16", "Type has no effect here: it belongs inside Backend")]
    [InlineData("""{"Network":"10.24.0.0/16","ExternalID":"x"}""", "10.24.0.0/16",
        "ExternalID has no effect here: it belongs inside Backend")]
    [InlineData(
        """{"Network":"10.24.0.0/16","AccessKeySecret":"s3cr3t-LTAI5tExample"}""", "10.24.0.0/16",
        "AccessKeySecret has no effect here: it belongs inside Backend")]
    [InlineData(
        """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","SubnetLen":26}}""", "10.24.0.0/16",
        "SubnetLen inside Backend has no effect: it belongs beside Network")]
    [InlineData(
        """{"Network":"10.24.0.0/16","backend":{"network":"10.25.0.0/16"}}""", "10.24.0.0/16",
        "network inside backend has no effect: it belongs beside Network")]
    [InlineData(
        "\uFEFF{\"Network\":\"10.24.0.0/16\"}", "10.24.0.0/16",
        "it begins with a byte order mark, which nodes of upstream flannel reject: save it as UTF-8 without BOM")]
    public void What_is_probably_a_mistake_is_accepted_and_reported(string json, string network, string warning)
    {
        var result = Parse(json);
        Assert.Null(result.Error);
        Assert.Equal(network, result.Value.Network.ToString());
        Assert.Equal(warning, Assert.Single(result.Value.Warnings));
    }

    [Theory]
    [InlineData("""{"NETWORK":"10.24.0.0/16","subnetlen":24,"EnableNFTables":true,"backend":{"TYPE":"vxlan","VNI":1,"Port":8472}}""")]
    [InlineData("""{"Network":"10.24.0.0/16","Comment":"for the shop","Owner":"network team","":1,"x":2}""")]
    public void Upstreams_properties_and_dissimilar_ones_are_not_reported(string json) => Assert.Empty(Parse(json).Value.Warnings);

    [Fact]
    public void Text_in_UTF_16_is_reported()
    {
        const string json = """{"Network":"10.24.0.0/16"}""";
        Assert.Equal(
            "it is UTF-16, and must be UTF-8",
            NetworkConfigParser.Parse([.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(json)]).Error);
        Assert.Equal(
            "it is UTF-16, and must be UTF-8", NetworkConfigParser.Parse(
                [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(json)]).Error);
    }

    [Theory]
    [InlineData("", "udp", JsonValueKind.Undefined)]
    [InlineData(""","Backend":null""", "", JsonValueKind.Undefined)]
    [InlineData(""","Backend":{}""", "", JsonValueKind.Object)]
    [InlineData(""","Backend":{"Type":null}""", "", JsonValueKind.Object)]
    [InlineData(""","Backend":{"Type":"ali-vpc"}""", "ali-vpc", JsonValueKind.Object)]
    [InlineData(""","backend":{"TYPE":"alloc"}""", "alloc", JsonValueKind.Object)]
    // Upstream looks it up in lower case (pkg/backend/manager.go).
    [InlineData(""","Backend":{"Type":"ALI-VPC"}""", "ali-vpc", JsonValueKind.Object)]
    [InlineData(""","Backend":{"Type":"Ali-Vpc"}""", "ali-vpc", JsonValueKind.Object)]
    [InlineData(""","Backend":{"Type":"udp","type":"ali-vpc","Type":null}""", "ali-vpc", JsonValueKind.Object)]
    [InlineData(""","Backend":{"Type":"vxlan"},"Backend":{"Type":"ali-vpc"}""", "ali-vpc", JsonValueKind.Object)]
    [InlineData(""","Backend":{"Type":"ali-vpc","AccessKeySecret":"x"},"Backend":null""", "", JsonValueKind.Undefined)]
    [InlineData(""","Backend":{"Type":"no such backend"}""", "no such backend", JsonValueKind.Object)]
    public void The_backend_object_is_kept_with_its_type(string property, string type, JsonValueKind kind)
    {
        var config = Parse($$"""{"Network":"10.24.0.0/16"{{property}}}""").Value;
        Assert.Equal(type, config.BackendType);
        Assert.Equal(kind, config.Backend.ValueKind);
    }

    [Fact]
    public void The_backend_object_does_not_depend_on_the_text()
    {
        var text = Encoding.UTF8.GetBytes("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","RouteTableID":["vtb-1","vtb-2"]}}""");
        var config = NetworkConfigParser.Parse(text).Value;
        Array.Clear(text);
        Assert.Equal("vtb-2", config.Backend.GetProperty("RouteTableID")[1].GetString());
    }

    [Theory]
    [InlineData("""{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc","AccessKeyID":"KEY","AccessKeySecret":"KEY"}}""")]
    [InlineData("""{"Network":"10.24.0.0/31","Backend":{"Type":"ali-vpc","AccessKeySecret":"KEY"}}""")]
    [InlineData("""{"Backend":{"Type":"ali-vpc","AccessKeySecret":"KEY"}}""")]
    [InlineData("""{"Backend":{"Type":{"AccessKeySecret":"KEY"}}}""")]
    [InlineData("""{"Backend":{"Type":["KEY"]}}""")]
    [InlineData("""{"Backend":["KEY"]}""")]
    [InlineData("""{"Backend":"KEY"}""")]
    [InlineData("""{"Backend":{"AccessKeySecret":"KEY" "Type":"ali-vpc"}}""")]
    [InlineData("""{"Backend":{"AccessKeySecret":KEY}}""")]
    [InlineData("""{"Backend":{"AccessKeySecret":"KEY""")]
    [InlineData("""{"Backend":{"AccessKeySecret":"KEY\ud800"}}""")]
    [InlineData("""{"Backend":{"AccessKeySecret":"KEY\x"}}""")]
    [InlineData("""{"Network":{"Backend":{"AccessKeySecret":"KEY"}}}""")]
    [InlineData("""{"SubnetMin":["KEY"]}""")]
    [InlineData("""{"SubnetLen":{"AccessKeySecret":"KEY"}}""")]
    [InlineData("""{"EnableIPv4":[{"AccessKeySecret":"KEY"}]}""")]
    [InlineData("""{"AccessKeySecret":"KEY","Network":"10.24.0.0/16"}""")]
    [InlineData("\"KEY\"")]
    [InlineData("[\"KEY\"]")]
    [InlineData("KEY")]
    public void A_secret_in_the_backend_is_not_printed(string json)
    {
        var result = Parse(json.Replace("KEY", Secret, StringComparison.Ordinal));
        foreach (var text in new[] { result.Error, result.ToString(), $"{result}" })
            Assert.DoesNotContain(Secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_is_one_line_whatever_the_value()
    {
        // U+2028 and U+0085 end a line, and are allowed in a JSON string without an escape.
        var error = Parse("{\"Network\":\"10\u2028.24\u0085\"}").Error;
        Assert.Equal("""Network is "10 .24 ", and must be an IPv4 network such as "10.24.0.0/16".""", error + ".");
        Assert.Equal(60, Parse($$"""{"SubnetMin":"{{new string('1', 5000)}}"}""").Error!.Split(' ')[2].TrimEnd(',').Length);
    }

    [Fact]
    public void No_bytes_throw() => Hostile.Bytes(
            "\"Network\"", "\"network\":", "\"10.24.0.0/16\"", "\"SubnetLen\":", "\"SubnetMin\":", "\"10.24.1.0\"", "\"EnableIPv6\":",
            "\"IPv6Network\":", "\"fc00::/48\"", "\"Backend\":", "\"Type\":", "\"ali-vpc\"",
            """{"Network":"10.24.0.0/16","Backend":{"Type":"ali-vpc"}}""",
            """{"EnableIPv6":true,"IPv6Network":"fc00::/48","SubnetLen":24,"SubnetMin":"10.24.1.0","SubnetMax":null}""")
        .Always(bytes =>
        {
            var result = NetworkConfigParser.Parse(bytes);
            Assert.NotEqual(result.Ok, result.Error?.Length > 0);
            if (result.Ok) Assert.All(result.Value.Warnings, line => Assert.DoesNotContain('\n', line));
            // The backend can read an accepted configuration to the end.
            if (result.Ok && result.Value.Backend is { ValueKind: not JsonValueKind.Undefined } backend) _ = backend.GetRawText();
        }, times: 40_000);

    private static Result<NetworkConfig> Parse(string json) => NetworkConfigParser.Parse(Encoding.UTF8.GetBytes(json));
}
