using Flannel.Testbed.Kubernetes;

[assembly: AssemblyFixture(typeof(SharedKubeApiServer))]
