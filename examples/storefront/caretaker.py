"""The caretaker: goes round the shop and sees to what restarts alone do not mend."""

from collections.abc import Sequence
from dataclasses import dataclass

from dramaturg.actors import (
    Actor,
    ActorSystem,
    DeadLetter,
    DeadlineExceeded,
    DramaturgError,
    LifecycleEvent,
    Message,
    handler,
)
from examples.storefront.addresses import DEPARTMENTS
from examples.storefront.records import AreYouThere

ROUND = 0.05
"""Seconds between two rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LettersReplayed(LifecycleEvent):
    """The caretaker has sent these once more."""

    letters: tuple[DeadLetter, ...]


class Round(Message):
    """The caretaker's own alarm."""


class Caretaker(Actor):
    """Sends again what a crash took, and has whoever hangs killed.

    *Dead letters.* The message upon which an actor crashes is not handled again by itself: it is in
    the dead letters. Whoever made a request knows, and does what it thinks best; of a message that
    was told nobody knows. But everything in this shop may be repeated, so all is sent again.

    *Hangs.* An actor that waits for ever does not fail, and so nobody restarts it. It is asked
    whether it is there; if no answer comes within `patience` seconds it is killed, and that is the
    end of an incarnation like any other: its supervisor starts the next one, which finds in its
    mailbox what waited meanwhile.
    """

    def __init__(self, *, patience: float) -> None:
        self._patience = patience

    def on_start(self) -> None:
        """Begin the rounds."""
        self.context.start_timer("round", Round(), every=ROUND)

    @handler
    async def go_round(self, message: Round) -> None:
        """See to everything once."""
        system = self.context.system
        replay(system, system.dead_letters.list())
        for address in DEPARTMENTS:
            department = self.context.system.lookup(address)
            if department is None:
                continue
            try:
                await department.request(AreYouThere(), timeout=self._patience)
            except DeadlineExceeded:
                department.kill()
            except DramaturgError:
                pass  # it has crashed, and is seen to


def replay(system: ActorSystem, letters: Sequence[DeadLetter], *, max_attempts: int = 3) -> None:
    """Send dead letters once more, and publish which ones."""
    ids = frozenset(system.dead_letters.replay(letters, max_attempts=max_attempts).ids)
    if ids:
        sent = tuple(letter for letter in letters if letter.id in ids)
        time = system.clock.time()
        system.events.publish(LettersReplayed(path="/", time=time, letters=sent))
