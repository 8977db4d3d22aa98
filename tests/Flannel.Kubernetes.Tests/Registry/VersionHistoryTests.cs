using Flannel.Kubernetes.Registry;
using Microsoft.Extensions.Time.Testing;

namespace Flannel.Kubernetes.Tests.Registry;

/// <summary>The version that a route controller leaves to the next one is some minutes old, and not too old for etcd.</summary>
public sealed class VersionHistoryTests
{
    private readonly FakeTimeProvider time = new();
    private readonly VersionHistory versions;

    public VersionHistoryTests() => versions = new VersionHistory(time);

    [Fact]
    public void Without_a_list_there_is_none()
    {
        versions.Begin(null);
        Assert.Null(versions.Former);
        Assert.Null(versions.ForNext);
    }

    [Fact]
    public void A_short_term_leaves_the_version_of_the_term_before()
    {
        versions.Begin("5");
        Add(100, TimeSpan.FromMinutes(2));
        Assert.Equal(("5", "5"), (versions.Former, versions.ForNext));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(60)]
    public void A_long_term_leaves_one_that_is_three_to_four_minutes_old(int seconds)
    {
        versions.Begin("5");
        for (var at = 0; at <= 600; at += seconds)
        {
            versions.Add($"{1000 + at}");
            time.Advance(TimeSpan.FromSeconds(seconds));
        }

        var age = 600 - (int.Parse(versions.ForNext!, System.Globalization.CultureInfo.InvariantCulture) - 1000);
        Assert.InRange(age, 3 * 60 - seconds, 4 * 60);
        Assert.Equal("5", versions.Former);
    }

    [Fact]
    public void A_new_term_begins_with_the_version_of_the_former_one()
    {
        versions.Begin(null);
        Add(100, TimeSpan.FromMinutes(10));
        versions.Begin("7");
        Assert.Equal(("7", "7"), (versions.Former, versions.ForNext));
    }

    private void Add(int first, TimeSpan during)
    {
        for (var i = 0; i < during.TotalSeconds; i++)
        {
            versions.Add($"{first + i}");
            time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
