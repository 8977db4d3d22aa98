namespace Flannel.Kubernetes.Tests.Conformance;

public sealed class ModelNodeTests : KubeApiNodeTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => Task.FromResult<IServerUnderTest>(new ModelServer());
}

public sealed class ModelListTests : KubeApiListTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => Task.FromResult<IServerUnderTest>(new ModelServer());
}

public sealed class ModelWatchTests : KubeApiWatchTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => Task.FromResult<IServerUnderTest>(new ModelServer());
}

public sealed class ModelObjectTests : KubeApiObjectTests
{
    private protected override Task<IServerUnderTest> StartServerAsync() => Task.FromResult<IServerUnderTest>(new ModelServer());
}
