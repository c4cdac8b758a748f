"""A lease: which process is at work on a directory now, told by a file beside it on any host that sees the directory.

`filelock.SoftFileLease` makes the file, by exclusive creation, and a thread of it touches the file every third of
`LEASE_SECONDS`; both hold across hosts and on NFS, where flock holds per host or not at all. What is added here:

- Whether a lease is still held is decided at once: by its last touch on the file system's own clock, or because its
  process is known to be dead on this host. SoftFileLease would first watch the file for the whole time.
- A lease that nobody holds is renamed aside. SoftFileLease exchanges two names, which NFS cannot.
- `guard`: who writes asks it before, and a process that has lost its lease without noticing, because it was suspended,
  its disk stalled or somebody removed the file, writes nothing more. It renews the lease, then reads whose it is: after
  that, nobody can take it for abandoned before the time has passed once more.
"""

from robustft.lease.claim import Lease, LeaseLost, guard
from robustft.lease.marker import LEASE_SECONDS, Holder, holder_of

__all__ = ["LEASE_SECONDS", "Holder", "Lease", "LeaseLost", "guard", "holder_of"]
