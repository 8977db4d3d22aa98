namespace Flannel.Hosts.Tests;

[Trait(HostTraits.Needs, DockerRelease.Trixie)]
public sealed class Docker26Tests() : DockerTests(DockerRelease.Trixie);
