using System.Reflection;
using System.Runtime.CompilerServices;
using Flannel.AliCloud.Credentials;

namespace Flannel.AliCloud.Tests.Credentials;

public sealed class WatchedFileTests
{
    /// <summary><see cref="WatchedFile.HasChanged"/> runs on any thread, concurrently with a read. Another thread could see a struct that
    /// is partly written.</summary>
    [Fact]
    public void The_last_version_is_one_reference_that_all_threads_see()
    {
        var field = typeof(WatchedFile).GetField("lastRead", BindingFlags.Instance | BindingFlags.NonPublic)!;
        Assert.False(field.FieldType.IsValueType);
        Assert.Contains(typeof(IsVolatile), field.GetRequiredCustomModifiers());
        var members = field.FieldType.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public);
        Assert.NotEmpty(members);
        Assert.All(members, member => Assert.True(member.IsInitOnly));
    }
}
