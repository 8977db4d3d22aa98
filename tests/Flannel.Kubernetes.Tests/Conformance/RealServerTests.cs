using Flannel.Testbed.Kubernetes;

namespace Flannel.Kubernetes.Tests.Conformance;

[Collection(RealServerTestGroup.Name)]
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class RealNodeTests(RealServerFixture fixture) : KubeApiNodeTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => fixture.BeginTestAsync();
}

[Collection(RealServerTestGroup.Name)]
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class RealListTests(RealServerFixture fixture) : KubeApiListTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => fixture.BeginTestAsync();
}

[Collection(RealServerTestGroup.Name)]
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class RealWatchTests(RealServerFixture fixture) : KubeApiWatchTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => fixture.BeginTestAsync();
}

[Collection(RealServerTestGroup.Name)]
[Trait(KubePrograms.TraitName, KubePrograms.TraitValue)]
public sealed class RealObjectTests(RealServerFixture fixture) : KubeApiObjectTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => fixture.BeginTestAsync();
}
