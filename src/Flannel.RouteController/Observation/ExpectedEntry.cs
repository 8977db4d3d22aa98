namespace Flannel.RouteController.Observation;

/// <summary>What the next read of one destination should show. If it shows no entry against the expectation, the whole table is read: the
/// API may not have matched the destination.</summary>
internal enum ExpectedEntry
{
    /// <summary>An entry if there was one.</summary>
    AsBefore,

    /// <summary>An entry: it was created.</summary>
    Present,

    /// <summary>Perhaps no entry any more: it is being deleted.</summary>
    Gone,
}
