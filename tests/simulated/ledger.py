"""The books of the messages of one run: each is handled once, or a dead letter, never neither."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import ActorRef, DeadLettered, DeadLetterReason
from dramaturg.protocols.testing import SimulatedCrash, Simulation, SystemView

NEVER_BEGUN = frozenset(
    {
        DeadLetterReason.STOPPED,
        DeadLetterReason.OVERFLOW,
        DeadLetterReason.EXPIRED,
        DeadLetterReason.UNROUTABLE,
    }
)
"""A message that is a dead letter for one of these reasons has met no handler."""


@dataclass(frozen=True)
class Item:
    """The n-th message of one sender."""

    sender: str
    number: int


@dataclass
class Ledger:
    """What became of each message; what does not add up is in ``wrong``.

    ``in_order``: whether the messages of one sender have to begin in their order.
    ``stashes``: whether a message may become a dead letter after its handler has seen it.
    """

    sim: Simulation
    in_order: bool = True
    stashes: bool = False
    sent: list[Any] = field(default_factory=list[Any])
    begun: list[Any] = field(default_factory=list[Any])
    dead: dict[Any, DeadLetterReason] = field(default_factory=dict[Any, DeadLetterReason])
    excused: set[Any] = field(default_factory=set[Any])
    """What was never on its way: whoever wanted to send it was told so."""
    wrong: list[str] = field(default_factory=list[str])
    _latest: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self.sim.system.events.subscribe(self._died, DeadLettered)
        self.sim.always(self.agree, "the books agree")
        self.sim.at_rest(self.complete, "nothing is lost")

    def send(self, item: Item) -> Item:
        """Note that a message is about to be sent; see also :meth:`tell`."""
        self.sent.append(item)
        return item

    def tell(self, ref: ActorRef[Any], item: Item) -> None:
        """Send a message, unless the simulation lets the sender crash instead."""
        self.send(item)
        try:
            ref.tell(item)
        except SimulatedCrash:
            self.excused.add(item)
            raise

    def begin(self, item: Item) -> None:
        """Note that a handler has begun with a message."""
        if item in self.begun:
            self.wrong.append(f"{item} is handled twice")
        if self.dead.get(item) in NEVER_BEGUN:
            self.wrong.append(f"{item} is handled, and a dead letter: {self.dead[item]}")
        if self.in_order and self._latest.get(item.sender, -1) > item.number:
            self.wrong.append(f"{item} comes after number {self._latest[item.sender]}")
        self._latest[item.sender] = item.number
        self.begun.append(item)

    def agree(self, view: SystemView) -> None:
        """Hold as long as no message has met two fates."""
        assert not self.wrong, self.wrong[0]

    def complete(self, view: SystemView) -> None:
        """Hold if each message has met a fate."""
        fates = {*self.begun, *self.dead, *self.excused}
        lost = [item for item in self.sent if item not in fates]
        assert not lost, f"{lost[0]} is lost"
        unknown = [item for item in self.begun if item not in self.sent]
        assert not unknown, f"{unknown[0]} comes from nowhere"

    def counts(self) -> Counter[DeadLetterReason]:
        """Count the dead letters by reason."""
        return Counter(self.dead.values())

    def _died(self, event: DeadLettered) -> None:
        letter = self.sim.system.dead_letters.get(event.letter_id)
        assert letter is not None
        item = letter.message
        if not isinstance(item, Item):
            return
        if item in self.dead:
            self.wrong.append(f"{item} is a dead letter twice")
        met = item in self.begun
        if met and letter.reason in NEVER_BEGUN and not self.stashes:
            self.wrong.append(f"{item} was handled, and is a dead letter: {letter.reason}")
        self.dead[item] = letter.reason
