using Flannel.Core.Addresses;

namespace Flannel.Simulation.Tests.Engine;

/// <summary>One node's machine: what outlives its process.</summary>
internal sealed class Machine(int number)
{
    public string Name { get; } = $"n{number}";

    public Ipv4Address PublicIp { get; } = Ipv4Address.Parse($"192.168.0.{number}");

    public string Instance { get; } = $"i-{number}";

    /// <summary>Whether its daemon stands for route controller.</summary>
    public bool MayControl { get; init; } = true;

    /// <summary>The subnet that <c>subnet.env</c> names.</summary>
    public Ipv4Network? SubnetFile { get; set; }

    public TimeSpan WallClockError { get; set; }

    public bool IsCutOff { get; set; }

    /// <summary>Null while it is down.</summary>
    public Daemon? Daemon { get; set; }

    public bool RestartPlanned { get; set; }
}
