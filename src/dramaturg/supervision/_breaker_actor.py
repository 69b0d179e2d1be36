"""The circuit breaker in front of another actor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._actor import Actor
from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._envelope import Envelope, UnaskedSlot
from dramaturg.actors._errors import DeadlineExceeded, OptionError, Refused
from dramaturg.actors._handler import handler
from dramaturg.actors._letters import bury
from dramaturg.actors._ref import ActorRef
from dramaturg.actors._router_delivery import pass_on
from dramaturg.supervision._breaker_gate import BreakerGate, CircuitOpen
from dramaturg.supervision._breaker_messages import BreakerStatus, GetBreaker, publish_change
from dramaturg.supervision._breaker_rules import BreakerRules, BreakerState
from dramaturg.supervision._breaker_slot import seen_on_its_way

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._context import ActorContext
    from dramaturg.supervision._breaker_gate import Counts
    from dramaturg.supervision._breaker_rules import Circuit
    from dramaturg.supervision._breaker_slot import SeenSlot

__all__ = ["BreakerActor"]


@final
class _Untold(UnaskedSlot):
    """The reply slot of a message that was told: nobody waits for the answer."""

    __slots__ = ("_cell", "_envelope")

    def __init__(self, cell: Cell, envelope: Envelope) -> None:
        self._cell = cell
        self._envelope = envelope

    def complete(self, value: Any, error: BaseException | None) -> None:  # noqa: ARG002 - the protocol's
        if isinstance(error, Refused):
            # As for any message that was told; other errors have left their letters already.
            bury(self._cell, self._envelope, DeadLetterReason.REFUSED, error)


@final
class BreakerActor(Actor):
    """An actor in front of another that lets requests fail at once while that one is ill.

    ::

        gateway = system.spawn(Props(BreakerActor, real_gateway, max_failures=3), name="gateway")

    The target may be a path as well: ``"../gateway"`` is a sibling that was started before.
    The rules are those of :class:`CircuitBreaker`, where its options are explained. Its ref
    is used like the target's: each message is passed on in the turn in which it
    comes, requests with their sender and reply slot, and nothing is waited for, so
    that many may be under way. The messages of one sender arrive in the order
    in which they were sent. Only :class:`GetBreaker` is for the breaker itself.

    A request succeeds by a reply, or by an error that does not count (a ``Refused``),
    and fails by any other: ``ActorCrashed``, ``ActorStopped``, ``MailboxFull``. It also
    fails if there is no answer within ``call_timeout`` seconds or by its own
    deadline. The earlier of the two is the deadline that the target sees, and then
    the caller gets :class:`DeadlineExceeded`; a later reply is dropped and counted.

    While open, requests fail with :class:`CircuitOpen` and what is told becomes a dead
    letter (``REFUSED``). A message that is told has no outcome, and does not
    count; but it may be the trial of a half-open circuit, and is then judged by
    whether the target fails on it.

    It neither watches nor stops its target. A restart begins with a closed circuit.
    A circle of requests through it is found as if it were not there.

    Spawning it raises :class:`StartFailed` for an option that cannot be, with the
    :class:`OptionError` as its cause.
    """

    def __init__(
        self,
        target: ActorRef[Any] | str,
        *,
        max_failures: int = 5,
        call_timeout: float | None = 10.0,
        reset_timeout: float = 30.0,
        backoff_factor: float = 1.0,
        max_reset_timeout: float | None = None,
        counts: Counts = None,
    ) -> None:
        system = self.context.system
        self._target = checked_target(self.context, target)
        rules = BreakerRules(
            max_failures=max_failures,
            call_timeout=call_timeout,
            reset_timeout=reset_timeout,
            backoff_factor=backoff_factor,
            max_reset_timeout=max_reset_timeout,
        )
        self._gate = BreakerGate(
            self.context.path,
            rules,
            counts,
            now=system.now,
            changed=self._changed,
            log=lambda: system.log,
        )

    def __repr__(self) -> str:
        return f"<BreakerActor {self._gate!r} before {self._target}>"

    @handler
    def let_through(self, message: Any) -> None:  # noqa: ARG002 - what travels with it is needed too
        """Pass the message on, or turn it away."""
        cell = self._cell
        item = cell.message
        try:
            ticket = self._gate.enter()
        except CircuitOpen as error:
            _turn_away(cell, item, error)
        else:
            pass_on(cell, (self._target,), self._judged(item, ticket))
        # Taking the message away tells the cell that somebody else answers.
        cell.message = None

    @handler
    def get_breaker(self, message: GetBreaker) -> BreakerStatus:  # noqa: ARG002 - a handler takes its message
        """Answer with the state of the circuit."""
        return self._gate.status()

    def _judged(self, item: Any, ticket: Circuit) -> Any:
        """Arrange that the outcome is seen, if there will be one that counts."""
        enveloped = item.__class__ is Envelope
        slot = item.reply if enveloped else None
        if slot is None:
            if ticket.state is BreakerState.CLOSED:
                return item
            item = item if enveloped else Envelope(item, None, None, None)
            letter = Envelope(item.message, None, item.sender, None, item.headers)
            slot = _Untold(self._target.cell, letter)
        gate = self._gate
        system = self._cell.system
        target = self._target.cell
        item.reply = seen = seen_on_its_way(
            slot,
            lambda error: gate.leave(ticket, gate.judge(error)),
            lambda: system.note_late_reply(target),
        )
        self._limit(item, seen, told=isinstance(slot, _Untold))
        return item

    def _limit(self, envelope: Envelope, seen: SeenSlot, *, told: bool) -> None:
        system = self._cell.system
        limit = self._gate.rules.call_timeout
        own = envelope.deadline
        due = own if limit is None else system.now() + limit
        if due is None:
            return
        # By its own deadline the caller gives up by itself.
        answer = not told and (own is None or due < own)
        if own is not None:
            envelope.deadline = due = min(own, due)
        path = self._target.path

        def ring() -> None:
            seen.overdue(lambda: DeadlineExceeded(waiting_for=path, timeout=limit), answer=answer)

        seen.alarm = system.clock.call_at(due, ring)

    def _changed(self, circuit: Circuit) -> None:
        cell = self._cell
        # What an earlier incarnation had passed on changes a circuit that nobody uses any more.
        if cell.actor is self:
            publish_change(cell.system, cell.path, self._gate.name, circuit)


def checked_target(context: ActorContext, target: ActorRef[Any] | str) -> ActorRef[Any]:
    """Return the ref, or find it by its path.

    :raises OptionError: if it is neither, or nobody lives at the path.
    """
    given: object = context.lookup(target) if isinstance(target, str) else target
    if not isinstance(given, ActorRef):
        expected = "an ActorRef, or the path of a living actor"
        raise OptionError(option="target", value=target, expected=expected)
    return given


def _turn_away(cell: Cell, item: Any, error: CircuitOpen) -> None:
    if item.__class__ is Envelope and item.reply is not None:
        item.reply.complete(None, error)
    else:
        bury(cell, item, DeadLetterReason.REFUSED, error)
