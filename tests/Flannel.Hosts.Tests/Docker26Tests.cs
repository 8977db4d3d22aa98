namespace Flannel.Hosts.Tests;

[Trait(DockerRelease.Trait, DockerRelease.Trixie)]
public sealed class Docker26Tests() : DockerTests(DockerRelease.Trixie);
