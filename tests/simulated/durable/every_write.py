"""Something goes wrong at each write to a node's journal, one run for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dramaturg.protocols.testing import Faults, Simulation, SystemScenario
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._kernel import Kernel
from dramaturg.protocols.testing._run import Calm, Run, run

Mishap = Literal["crash", "torn crash", "failure", "failure and crash"]
MISHAPS: dict[Mishap, tuple[Faults, tuple[str, ...]]] = {
    "crash": (Faults(node_crashes=1), ("node",)),
    "torn crash": (Faults(node_crashes=1, torn_writes=1), ("torn",)),
    "failure": (Faults(write_errors=1), ("fail",)),
    "failure and crash": (Faults(write_errors=1, node_crashes=1), ("fail", "node")),
}
"""The node crashes, and what was not synced is lost; a half of it stays; the disk refuses; that,
and the node crashes when all is done."""
MOST = 600
"""So many events are more than any of the scenarios has."""


class AtOperation:
    """A calm run in which something goes wrong at the n-th thing that a disk is asked to do.

    Those are writes and syncs, two for each append; 0 is never, and one more than there are is
    when all is done.
    """

    def __init__(self, number: int, mishap: Mishap) -> None:
        self.number = number
        self.faults, kinds = MISHAPS[mishap]
        self.left = [*kinds] if number else []
        self.still = len(kinds)
        self.seen = 0
        self._calm = Calm()

    def pick(self, kernel: Kernel) -> Event | None:
        """Return the calm choice, or what goes wrong."""
        event = self._calm.pick(kernel)
        waiting = [each for each in kernel.enabled() if each.kind == "disk"]
        is_now = bool(waiting) and len(self.left) == self.still and self.seen + 1 >= self.number
        if self.left and (is_now or event is None):
            wrong = [each for each in kernel.faults() if each.kind == self.left[0]]
            if wrong:
                del self.left[0]
                return wrong[0]
        self.seen += event is not None and event.kind == "disk"
        return event


@dataclass(frozen=True)
class Sweep:
    """What came of the runs."""

    operations: int
    """So many writes and syncs there are when nothing goes wrong."""
    spared: tuple[str, ...]
    """The runs in which nothing did."""
    broken: tuple[str, ...]


def sweep(scenario: SystemScenario, *, fails_from: int = 1, most: int | None = None) -> Sweep:
    """Run a scenario calmly, and then once for each write and each mishap.

    :param fails_from: the disk refuses nothing before: whose start fails is not restarted.
    :param most: stop when so many runs have broken something.
    """
    calm = AtOperation(0, "crash")
    found = [*_broken(_ran(scenario, calm), "calm")]
    spared: list[str] = []
    for mishap, number in _all(calm.seen, fails_from):
        if most is not None and len(found) >= most:
            break
        picker, where = AtOperation(number, mishap), f"{mishap} at {number}"
        found += _broken(_ran(scenario, picker), where)
        spared += [where] if picker.left else []
    return Sweep(calm.seen, tuple(spared), tuple(found))


def _all(operations: int, fails_from: int) -> Iterator[tuple[Mishap, int]]:
    """Go through all that may go wrong; a crash also when all is done."""
    for mishap in MISHAPS:
        first = fails_from if mishap.startswith("failure") else 1
        last = operations + (mishap == "crash")
        for number in range(first, last + 1):
            yield mishap, number


def _ran(scenario: SystemScenario, picker: AtOperation) -> Run:
    return run(lambda: Simulation(scenario, faults=picker.faults), picker, most=MOST)


def _broken(ran: Run, where: str) -> tuple[str, ...]:
    if ran.broken is not None:
        return (f"{where}: {ran.broken.name}: {ran.broken.detail}",)
    missed = ran.to_reach - ran.reached
    if ran.truncated or missed:
        return (f"{where}: {'it goes on for ever' if ran.truncated else sorted(missed)}",)
    return ()
