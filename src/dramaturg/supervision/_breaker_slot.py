"""A reply slot whose outcome somebody sees on its way to the caller.

Whoever passes a request on puts one in front of the caller's own slot. Nothing
waits and no task is needed: the answer goes through it in whatever thread gives it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, final

from dramaturg.actors._errors import Refused
from dramaturg.actors._reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.actors._envelope import ReplySlot

__all__ = ["SeenSlot", "seen_on_its_way"]


class SeenSlot:
    """A reply slot in front of another one.

    The outcome is seen before the caller has it, and once: it is the answer, or that
    the message was :meth:`overdue` before. An answer after the caller was given one
    for it is late: it is dropped, and told to ``late``.
    """

    def __init__(
        self,
        slot: ReplySlot,
        seen: Callable[[BaseException | None], object],
        late: Callable[[], object],
    ) -> None:
        self._slot: ReplySlot | None = slot
        self._seen: Callable[[BaseException | None], object] | None = seen
        self._late = late
        self._lock = threading.Lock()
        self.alarm: TimerHandle | None = None
        """What will say that the message is overdue; called off by the answer."""

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Hand the answer over. Any thread."""
        if self.alarm is not None:
            self.alarm.cancel()
        with self._lock:
            slot, self._slot = self._slot, None
            seen, self._seen = self._seen, None
        if seen is not None:
            seen(error)
        if slot is not None:
            slot.complete(value, error)
        # That the actor failed or stopped, or the message expired, is no reply of its.
        elif error is None or isinstance(error, Refused):
            self._late()

    def overdue(self, error: Callable[[], BaseException], *, answer: bool) -> None:
        """Take the error for the outcome, unless there has been an answer. Any thread.

        :param answer: whether to give it to the caller, too.
        """
        slot = None
        with self._lock:
            seen, self._seen = self._seen, None
            if answer and seen is not None:
                slot, self._slot = self._slot, None
        if seen is not None:
            made = error()
            seen(made)
            if slot is not None:
                slot.complete(None, made)


@final
class _SeenReply(SeenSlot, Reply):
    """The same in front of a caller that is in the graph of who waits for whom.

    Whoever passes the request on further notes so in the caller's own slot.
    """

    def __init__(
        self,
        reply: Reply,
        seen: Callable[[BaseException | None], object],
        late: Callable[[], object],
    ) -> None:
        self._reply = reply
        SeenSlot.__init__(self, reply, seen, late)

    # A plain attribute in the base class: here it is that of another object.
    @property
    def target(self) -> Cell:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._reply.target

    @target.setter
    def target(self, target: Cell) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._reply.target = target


def seen_on_its_way(
    slot: ReplySlot,
    seen: Callable[[BaseException | None], object],
    late: Callable[[], object],
) -> SeenSlot:
    """Make a slot in front of another one.

    :param seen: given the error, or None for a reply; in the thread that answers.
    :param late: called for a reply that came after the caller had been given an error.
    """
    if isinstance(slot, Reply):
        return _SeenReply(slot, seen, late)
    return SeenSlot(slot, seen, late)
