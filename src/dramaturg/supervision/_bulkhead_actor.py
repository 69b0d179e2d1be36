"""The bulkhead in front of another actor.

What waits is in the actor's stash, so that the runtime sees to it whatever
becomes of the actor: a stop buries it, a restart handles it anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._actor import Actor
from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._handler import handler
from dramaturg.actors._letters import bury, expired
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.actors._router_delivery import pass_on
from dramaturg.actors._signals import Internal
from dramaturg.supervision._breaker_actor import checked_target
from dramaturg.supervision._breaker_slot import seen_on_its_way
from dramaturg.supervision._bulkhead import check_limits
from dramaturg.supervision._bulkhead_messages import BulkheadStatus, GetBulkhead
from dramaturg.supervision._bulkhead_places import BulkheadFull

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._ref import ActorRef

__all__ = ["BulkheadActor"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Overdue:
    """A request has waited long enough."""

    envelope: Envelope


@final
class _Answered(Internal):
    """A request that was passed on has had its answer."""

    __slots__ = ("_owner",)

    def __init__(self, owner: BulkheadActor) -> None:
        self._owner = owner

    def handle(self, cell: Cell) -> Any:
        # An earlier incarnation's is none of those that are counted now.
        if cell.actor is self._owner:
            self._owner._answered()


@final
class BulkheadActor(Actor):
    """An actor in front of another that passes on so many requests at once.

    ::

        recipe = Props(BulkheadActor, real_gateway, max_in_flight=10, max_waiting=50)
        gateway = system.spawn(recipe, name="gateway")

    Its ref is used like the target's, which sees each message as it was sent, with sender
    and deadline, and answers the caller itself. A request is in flight until it has its
    answer, or has become a dead letter; that its caller has given up frees no
    place, since the target may be busy with it. Others wait, first in, first out. A
    message that is told needs no place, but does not overtake: it waits behind
    the requests that wait. So the messages of one sender arrive in the order in
    which they were sent. Only :class:`GetBulkhead` is for the bulkhead itself.

    What finds no room to wait is a dead letter (``OVERFLOW``), and a request fails with
    :class:`BulkheadFull`. A request whose deadline passes while it waits, or that
    has waited ``timeout`` seconds, is a dead letter (``EXPIRED``) and fails with
    :class:`DeadlineExceeded`.

    It neither watches nor stops its target. Drained, it passes on what waits first;
    stopped, it makes dead letters of that. A restart counts anew: what was
    passed on before it takes no place any more.

    Spawning it raises :class:`StartFailed` for an option that cannot be, with the
    :class:`OptionError` as its cause.

    :param max_in_flight: how many requests may be in flight.
    :param max_waiting: how many messages may wait.
    :param timeout: seconds that a request may wait; default until its deadline.
    """

    def __init__(
        self,
        target: ActorRef[Any] | str,
        *,
        max_in_flight: int,
        max_waiting: int = 0,
        timeout: float | None = None,
    ) -> None:
        check_limits(max_in_flight, max_waiting, timeout)
        self._target = checked_target(self.context, target)
        self._max_in_flight = max_in_flight
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._in_flight = 0
        self._draining = False
        self._waiting: deque[Any] = deque()
        self._cell.more().stash = self._waiting

    def __repr__(self) -> str:
        return (
            f"<BulkheadActor before {self._target} in_flight={self._in_flight}/"
            f"{self._max_in_flight} waiting={len(self._waiting)}/{self._max_waiting}>"
        )

    @handler
    def admit(self, message: Any) -> None:  # noqa: ARG002 - what travels with it is needed too
        """Pass the message on, let it wait, or turn it away."""
        cell = self._cell
        item = cell.message
        if not self._waiting and self._has_room_for(item):
            self._pass_on(item)
        elif len(self._waiting) < self._max_waiting:
            self._queue(item if item.__class__ is Envelope else Envelope(item, None, None, None))
        else:
            error = BulkheadFull(
                name=cell.path, max_in_flight=self._max_in_flight, max_waiting=self._max_waiting
            )
            bury(cell, item, DeadLetterReason.OVERFLOW, error)
        # Taking the message away tells the cell that somebody else answers.
        cell.message = None

    @handler
    def get_bulkhead(self, message: GetBulkhead) -> BulkheadStatus:  # noqa: ARG002 - a handler takes its message
        """Answer with the numbers."""
        return BulkheadStatus(
            name=self._cell.path,
            in_flight=self._in_flight,
            waiting=len(self._waiting),
            max_in_flight=self._max_in_flight,
            max_waiting=self._max_waiting,
        )

    @handler
    def overdue(self, message: _Overdue) -> None:
        """Let a request expire that waits."""
        self._waiting.remove(message.envelope)
        expired(self._cell, message.envelope)
        self._pass_on_what_waits()

    @handler
    def drained(self, message: DrainEnd) -> None:
        """Stop when nothing waits any more."""
        self._draining = True
        if not self._waiting:
            message.handle(self._cell)

    def _answered(self) -> None:
        self._in_flight -= 1
        self._pass_on_what_waits()

    def _pass_on_what_waits(self) -> None:
        waiting = self._waiting
        while waiting and self._has_room_for(waiting[0]):
            item = waiting.popleft()
            self.context.cancel_timer(item)
            if item.deadline is not None and self._cell.system.now() > item.deadline:
                expired(self._cell, item)
            else:
                self._pass_on(item)
        if self._draining and not waiting:
            DrainEnd().handle(self._cell)

    def _has_room_for(self, item: Any) -> bool:
        return not _is_request(item) or self._in_flight < self._max_in_flight

    def _pass_on(self, item: Any) -> None:
        cell = self._cell
        if _is_request(item):
            self._in_flight += 1
            answered = _Answered(self)
            # Behind what waits already, and before whatever the caller sends next.
            item.reply = seen_on_its_way(
                item.reply, lambda _: cell.post_internal(answered), lambda: None
            )
        pass_on(cell, (self._target,), item)

    def _queue(self, item: Envelope) -> None:
        self._waiting.append(item)
        if item.reply is None:
            return
        system = self._cell.system
        left = [] if self._timeout is None else [self._timeout]
        if item.deadline is not None:
            left.append(max(0.0, item.deadline - system.now()))
        if left:
            self.context.start_timer(item, _Overdue(item), after=min(left))


def _is_request(item: Any) -> bool:
    return item.__class__ is Envelope and item.reply is not None
