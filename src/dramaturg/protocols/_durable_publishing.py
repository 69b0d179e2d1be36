"""Publications that are stored together: a topic looks ahead, and answers each in its turn.

While one commit is under way publishers go on. So the next publication is stored in one commit
with those that wait right behind it, and what became of each is kept until its turn comes: then
its publisher is answered at once. Nothing overtakes anything, and what comes between two
publications is handled between them.

The memory outlasts the topic's restarts. When a commit fails nobody knows whether it is there:
the next incarnation counts its events, and those that waited are not stored twice.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._ahead import waiting
from dramaturg.actors._envelope import Envelope
from dramaturg.protocols._durable_topic_messages import PublishDurably, Published
from dramaturg.protocols._durable_topic_state import TopicPublished
from dramaturg.protocols._outlasting import Outlasting

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell

__all__ = ["Ahead", "events_of"]

AT_ONCE = 256
"""So many publications are stored together at most."""


@final
class Ahead(Outlasting):
    """Publications that were looked at before their turn."""

    def __init__(self, owner: ActorRef[Any]) -> None:
        super().__init__(owner)
        self._stored: deque[tuple[Any, Published]] = deque()
        """Each as it lies in the mailbox, with its answer."""
        self._under_way: list[tuple[Any, Published]] = []
        self._until = 0
        self._alone = 0

    def answer(self, cell: Cell) -> Published | None:
        """Return the answer to the current message, if it was looked at."""
        item = cell.message
        if not any(each is item for each, _ in self._stored):
            return None
        while True:  # those in between were not handled: their time was over
            each, published = self._stored.popleft()
            if each is item:
                return published

    def look(self, cell: Cell) -> list[tuple[Any, PublishDurably]]:
        """Return the publications that wait right behind the current message."""
        if self._alone:
            self._alone -= 1
            return []
        now = cell.system.now()
        found: list[tuple[Any, PublishDurably]] = []
        for item in waiting(cell, AT_ONCE - 1):
            message = item
            if item.__class__ is Envelope:
                if item.deadline is not None and now > item.deadline:
                    break
                message = item.message
            if message.__class__ is not PublishDurably:
                break
            found.append((item, message))
        return found

    def begin(self, items: list[tuple[Any, Published]], until: int) -> None:
        """Note what is being stored together, up to the event of a number."""
        self._under_way = items
        self._until = until

    def settle(self, sequence: int) -> None:
        """Find out what became of it: so many events are there."""
        if sequence >= self._until:
            self._stored.extend(self._under_way)
        self._under_way = []

    def forget(self) -> None:
        """Nothing was stored, for one cannot be: each of them has to go alone."""
        self._alone = len(self._under_way)
        self._under_way = []


def events_of(
    items: list[tuple[Any, PublishDurably]], sequence: int, known: Any
) -> tuple[list[TopicPublished], list[tuple[Any, Published]]]:
    """Make the events of publications, and their answers.

    :param known: finds the offset of a key.
    """
    events: list[TopicPublished] = []
    answers: list[tuple[Any, Published]] = []
    keys: dict[str, int] = {}
    for item, message in items:
        key = message.key
        before = None if key is None else keys.get(key) or known(key)
        if before is not None:
            answers.append((item, Published(before, is_duplicate=True)))
            continue
        offset = sequence + len(events) + 1
        events.append(TopicPublished(offset, message.message, message.name, key))
        answers.append((item, Published(offset)))
        if key is not None:
            keys[key] = offset
    return events, answers
