namespace Flannel.Core.Leases;

/// <summary>Distinguishes one holding of a subnet from the next: by equality. Each subnet manager has its own.</summary>
public abstract record LeaseIdentity
{
    /// <summary>Grows with the creation of leases. Two of one subnet are equal only if the holding is the same, except that a store that is
    /// restored from a backup assigns the same numbers again.</summary>
    public abstract long Order { get; }

    /// <summary>An operator created the lease for a node, and it never expires.</summary>
    public virtual bool IsReservation => false;

    /// <summary>Whether <see cref="Lease.Version"/> grows with the writes of all leases. Otherwise versions are compared for equality
    /// only.</summary>
    public virtual bool AreVersionsOrdered => false;
}
