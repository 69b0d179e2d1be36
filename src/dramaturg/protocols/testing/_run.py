"""One run: a kernel, and whoever chooses what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.protocols.testing._event import Event, Schedule
    from dramaturg.protocols.testing._kernel import Kernel, Step
    from dramaturg.protocols.testing._properties import Broken

__all__ = ["Calm", "Picker", "Run", "run"]


class Picker(Protocol):
    """Chooses what happens next in one run."""

    def pick(self, kernel: Kernel) -> Event | None:
        """Return one of what is enabled or may go wrong; None if nothing is left to do."""
        ...


class Calm:
    """Whatever is the calm choice: the oldest message first, and nothing goes wrong."""

    def pick(self, kernel: Kernel) -> Event | None:
        enabled = kernel.enabled()
        return enabled[0] if enabled else None


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run.

    :param schedule: the names of the events that happened, up to the failure if there is one.
    :param broken: the property that did not hold.
    :param truncated: whether it was cut off before it came to rest.
    :param decides: whether something else than its end could have shown a failure.
    :param reached: which of the ``sometimes`` have held, of those ``to_reach``.
    :param actors: who is there in the end, in the order in which a report draws them.
    """

    schedule: Schedule
    broken: Broken | None
    truncated: bool
    reached: frozenset[str]
    to_reach: frozenset[str]
    steps: tuple[Step, ...]
    actors: tuple[str, ...]
    decides: bool = True

    @property
    def events(self) -> int:
        """How many events it had."""
        return len(self.schedule)


def run(
    make: Callable[[], Kernel],
    picker: Picker,
    *,
    most: int,
    suffix: int = 0,
    look: Callable[[Kernel], None] | None = None,
) -> Run:
    """Make a kernel, and let it run until it is at rest, a property breaks, or for so long.

    :param most: after so many events the picker is not asked any more.
    :param suffix: so many more may then happen, calmly: a picker that is unfair to
        somebody has shown nothing if the run did not come to its end.
    :param look: called before each event, and at the end.
    """
    kernel = make()
    try:
        broken = kernel.begin()
        calm = Calm()
        truncated = False
        while broken is None:
            done = len(kernel.steps)
            if done >= most + suffix:
                truncated = bool(kernel.enabled())
                break
            if look is not None:
                look(kernel)
            event = (picker if done < most else calm).pick(kernel)
            if event is None:
                break
            broken = kernel.execute(event)
        if broken is None and not truncated and not kernel.enabled():
            broken = kernel.finish()
        if look is not None:
            look(kernel)
        return Run(
            schedule=tuple(step.event.name for step in kernel.steps),
            broken=broken,
            truncated=truncated,
            reached=kernel.reached(),
            to_reach=frozenset(kernel.to_reach()),
            steps=tuple(kernel.steps),
            actors=tuple(kernel.fields()),
            decides=kernel.decides_before_rest(),
        )
    finally:
        kernel.close()
