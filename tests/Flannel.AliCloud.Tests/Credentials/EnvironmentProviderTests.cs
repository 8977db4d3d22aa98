using Flannel.AliCloud.Credentials;

namespace Flannel.AliCloud.Tests.Credentials;

public class EnvironmentProviderTests
{
    [Fact]
    public async Task The_variables_of_the_SDKs_with_a_token_are_read()
    {
        var found = Assert.IsType<ProviderResult.Found>(await Fetch(EnvironmentProvider.Standard(Of(
            ("ALIBABA_CLOUD_ACCESS_KEY_ID", " id "), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s\n"), ("ALIBABA_CLOUD_SECURITY_TOKEN", "t")))));
        Assert.Equal(("id", "s", "t"), (found.Key.Id, found.Key.Secret.RevealText(), found.Key.SecurityToken!.RevealText()));
    }

    [Fact]
    public async Task The_variables_of_flannels_old_backend_are_read()
    {
        var found = Assert.IsType<ProviderResult.Found>(
            await Fetch(EnvironmentProvider.Legacy(Of(("ACCESS_KEY_ID", "id"), ("ACCESS_KEY_SECRET", "s")))));
        Assert.Equal("id", found.Key.Id);
        Assert.Null(found.Key.SecurityToken);
    }

    [Fact]
    public async Task A_key_without_its_secret_is_not_configured()
    {
        Assert.IsType<ProviderResult.NotConfigured>(await Fetch(EnvironmentProvider.Legacy(Of())));
        var half = Assert.IsType<ProviderResult.NotConfigured>(await Fetch(EnvironmentProvider.Legacy(Of(("ACCESS_KEY_ID", "hIdDeN")))));
        Assert.Contains("ACCESS_KEY_SECRET is not", half.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("hIdDeN", half.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_invalid_key_fails_and_is_not_quoted()
    {
        var failed = Assert.IsType<ProviderResult.Failed>(
            await Fetch(EnvironmentProvider.Legacy(Of(("ACCESS_KEY_ID", "id"), ("ACCESS_KEY_SECRET", "hId DeN")))));
        Assert.DoesNotContain("DeN", failed.Reason, StringComparison.Ordinal);
    }

    private static ValueTask<ProviderResult> Fetch(EnvironmentProvider provider) =>
        provider.FetchAsync(TestContext.Current.CancellationToken);

    private static Func<string, string?> Of(params (string Name, string Value)[] variables) =>
        name => variables.FirstOrDefault(v => v.Name == name).Value;
}
