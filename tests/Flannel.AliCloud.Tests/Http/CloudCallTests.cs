using Flannel.AliCloud.Http;

namespace Flannel.AliCloud.Tests.Http;

public class CloudCallTests
{
    [Fact]
    public void Lists_are_numbered_from_one_and_booleans_are_true_or_false()
    {
        var call = CloudCall.Write(CloudService.Ecs, "A", "cn-hangzhou").With("Check", false).With("Dry", true).With("Size", 100)
            .With("Id", ["a", "b"]).With("Tag", ["x"], (field, item) => field.With("Key", item).With("Value", ""));
        Assert.Equal(
            [
                new("RegionId", "cn-hangzhou"), new("Check", "false"), new("Dry", "true"), new("Size", "100"), new("Id.1", "a"),
                    new("Id.2", "b"),
                new("Tag.1.Key", "x"),
            ],
            call.Parameters);
        Assert.Equal("ecs:A", call.RamAction);
    }
}
