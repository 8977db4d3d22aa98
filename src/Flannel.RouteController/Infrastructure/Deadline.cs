namespace Flannel.RouteController.Infrastructure;

/// <summary>What a VPC's reconciler waits for. <see cref="DeadlineSchedule"/> has the time of each.</summary>
internal enum Deadline
{
    /// <summary>The route tables are read again.</summary>
    Resync,

    /// <summary>A read that concerns the whole VPC may be repeated.</summary>
    Read,

    /// <summary>The list of route tables may be read again.</summary>
    TableList,

    /// <summary>A vSwitch whose route table is not known is read again.</summary>
    VSwitch,

    /// <summary>A route table that could not be read is read again.</summary>
    Table,

    /// <summary>A write may be sent after one that failed for the whole VPC.</summary>
    Write,

    /// <summary>A route that failed is written again.</summary>
    Route,

    /// <summary>A deletion may be sent after one that was not confirmed by the store of the leases.</summary>
    Deletion,

    /// <summary>There is enough evidence to delete a stale route.</summary>
    StaleRoute,

    /// <summary>Held deletions continue.</summary>
    HeldDeletions,

    /// <summary>The route of a listed release may be deleted.</summary>
    Release,

    /// <summary>A route status that was held back is published.</summary>
    Status,
}
