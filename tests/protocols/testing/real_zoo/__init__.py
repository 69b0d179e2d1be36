"""Classic protocols as real actors on simulated nodes, correct and with planted bugs."""

from tests.protocols.testing.real_zoo import (
    abd,
    alternating_bit,
    lease,
    primary_backup,
    raft_election,
    saga,
    two_phase_commit,
    work_queue,
    write_ahead,
)
from tests.protocols.testing.real_zoo.specimen import Specimen

__all__ = ["REAL_ZOO", "Specimen"]

REAL_ZOO: tuple[Specimen, ...] = (
    *write_ahead.SPECIMENS,
    *two_phase_commit.SPECIMENS,
    *abd.SPECIMENS,
    *alternating_bit.SPECIMENS,
    *primary_backup.SPECIMENS,
    *lease.SPECIMENS,
    *raft_election.SPECIMENS,
    *saga.SPECIMENS,
    *work_queue.SPECIMENS,
)
