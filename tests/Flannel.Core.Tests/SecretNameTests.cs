namespace Flannel.Core.Tests;

public sealed class SecretNameTests
{
    [Theory]
    [InlineData("AccessKeySecret")]
    [InlineData("accesskeysecret")]
    [InlineData("ACCESS_KEY_SECRET")]
    [InlineData("AccesKeySecret")] // misspelt
    [InlineData("FLANNELD_ETCD_PASSWORD")]
    [InlineData("SecurityToken")]
    [InlineData("private-key")]
    public void A_name_of_a_secret_matches_however_it_is_spelt(string name) => Assert.True(SecretName.Matches(name));

    [Theory]
    [InlineData("RoleArn")]
    [InlineData("AccessKeyID")]
    [InlineData("Network")]
    [InlineData("ExternalID")]
    [InlineData("")]
    public void Any_other_name_does_not_match(string name) => Assert.False(SecretName.Matches(name));
}
