"""Bugs in requests: who is answered, with what, and by when."""

from typing import Any

from dramaturg.actors import _circles as circles, _letters as letters, _requests as requests
from dramaturg.actors._cell import Cell
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import DeadlineExceeded, Refused
from dramaturg.actors._reply import LoopWaiter, Reply
from dramaturg.actors._resolve import resolve
from dramaturg.actors._system import ActorSystem
from tests.simulated.planted.plant import Bug, attribute, function, method


def _answers_what_is_stashed(deliver: Any) -> Any:
    def buggy(self: Cell, envelope: Envelope) -> None:
        reply = envelope.reply
        deliver(self, envelope)
        if reply is not None:
            reply.complete(None, None)

    return buggy


def _handles_what_has_expired(deliver: Any) -> Any:
    async def buggy(self: Cell, envelope: Envelope) -> None:
        message = envelope.message
        handle = self.handlers.get(message.__class__) or resolve(self, message.__class__)
        result = handle(self.actor, message)
        if hasattr(result, "__await__"):
            result = await result
        if envelope.reply is not None and self.message is envelope:
            envelope.reply.complete(result, None)

    return buggy


def _inherits_nothing(inherited: Any) -> Any:
    def buggy(asker: Cell, deadline: float) -> float:
        return deadline

    return buggy


def _inherits_a_second_more(inherited: Any) -> Any:
    def buggy(asker: Cell, deadline: float) -> float:
        return min(deadline, float(inherited(asker, deadline)) + 1.0)

    return buggy


def _crashes_in_silence(crashed: Any) -> Any:
    def buggy(cell: Cell, item: Any, cause: BaseException) -> None:
        # The letter is written, and whoever waits is not told.
        reply = None
        if item.__class__ is Envelope:
            reply, item.reply = item.reply, None
        crashed(cell, item, cause)
        if reply is not None:
            item.reply = None

    return buggy


def _stops_in_silence(flush: Any) -> Any:
    def buggy(cell: Cell) -> None:
        for item in cell.take_rest():
            if item.__class__ is Envelope:
                item.reply = None
            letters.undeliverable(cell, item)

    return buggy


def _refuses_in_silence(refused: Any) -> Any:
    def buggy(cell: Cell, error: Refused) -> None:
        cell.message = None

    return buggy


def _refusal_is_a_crash(settled: Any) -> Any:
    def buggy(cell: Cell, error: BaseException) -> bool:
        return not isinstance(error, Refused) and bool(settled(cell, error))

    return buggy


def _keeps_the_note(end_wait: Any) -> Any:
    def buggy(asker: Cell, edge: Any) -> None:
        """Leave the note that the asker waits."""

    return buggy


def _looks_for_no_circle(check: Any) -> Any:
    def buggy(asker: Cell, target: Cell) -> None:
        """Let everybody wait for everybody."""

    return buggy


def _looks_one_step_far(trail: Any) -> Any:
    def buggy(start: Cell, goal: Cell, seen: set[Cell]) -> list[Cell] | None:
        return [start, goal] if goal in circles._edges(start) else None

    return buggy


def _counts_the_background(edges: Any) -> Any:
    def buggy(start: Cell) -> Any:
        for _, reply in start.system.waits_for.get(start, ()):
            yield reply.target

    return buggy


def _forwards_unseen(forwarded: Any) -> Any:
    def buggy(item: Any, target: Cell) -> bool:
        return True

    return buggy


def _forwards_without_deadline(forwarded: Any) -> Any:
    def buggy(item: Any, target: Cell) -> bool:
        item.deadline = None
        return bool(forwarded(item, target))

    return buggy


def _counts_no_late_reply(note: Any) -> Any:
    def buggy(self: ActorSystem, cell: Cell) -> None:
        """Count nothing."""

    return buggy


def _counts_all_late(note: Any) -> Any:
    def buggy(cell: Cell, reply: Reply) -> None:
        cell.system.note_late_reply(cell)

    return buggy


def _lets_deadlines_ring_on(wait: Any) -> Any:
    async def buggy(cell: Cell, reply: Reply, deadline: float, timeout: float | None) -> None:
        waiter = LoopWaiter(lambda: None)
        reply.waiter = waiter
        cell.system.clock.call_at(deadline, waiter.expire)
        if not await waiter.wait():
            raise DeadlineExceeded(waiting_for=cell.path, timeout=timeout)

    return buggy


def _answers_by_the_last_slot(reply: Any) -> Any:
    slots: dict[Cell, Reply] = {}

    def shared(target: Cell) -> Reply:
        # One slot for each target, made anew when it has been used.
        slot = slots.get(target)
        if slot is None or slot.done:
            slot = slots[target] = reply(target)
        return slot

    return shared


def _notices_the_deadline_only(expired: Any) -> Any:
    def buggy(self: LoopWaiter) -> None:
        if self._future.done():
            self._on_late()
        else:
            self._future.set_result(True)
            self._on_late()

    return buggy


def _takes_expiry_for_an_answer(expired: Any) -> Any:
    def buggy(self: LoopWaiter) -> None:
        if not self._future.done():
            self._future.set_result(True)

    return buggy


PLAIN, SLOW = "requests/answered plainly", "requests/answered slowly"
BUGS = (
    Bug("requests/a stashed request is answered", "requests/deferred",
        method(Cell, "deliver", _answers_what_is_stashed)),
    Bug("requests/what has expired is handled", "requests/too slow",
        method(Cell, "deliver_async", _handles_what_has_expired)),
    Bug("requests/no deadline is inherited", "requests/inherited",
        function(requests._inherited, _inherits_nothing)),
    Bug("requests/a second more is inherited", "requests/inherited",
        function(requests._inherited, _inherits_a_second_more)),
    Bug("requests/a crash tells nobody", PLAIN, function(letters.crashed, _crashes_in_silence)),
    Bug("requests/a stop tells nobody", "requests/stopped",
        function(letters.flush, _stops_in_silence)),
    Bug("requests/a refusal tells nobody", SLOW, function(letters.refused, _refuses_in_silence)),
    Bug("requests/a refusal is a crash", SLOW, function(letters.settled, _refusal_is_a_crash)),
    Bug("requests/a note of who waits stays", PLAIN, function(circles.end_wait, _keeps_the_note)),
    Bug("requests/no circle is looked for", "requests/circle",
        function(circles._check, _looks_for_no_circle)),
    Bug("requests/circles of two are looked for", "requests/circle",
        function(circles._trail, _looks_one_step_far)),
    Bug("requests/the background holds up", "requests/held up by nothing",
        function(circles._edges, _counts_the_background)),
    Bug("requests/a forward is not noted", "requests/forwarded to the asker",
        function(circles.forwarded, _forwards_unseen)),
    Bug("requests/a forward has no deadline", "requests/forwarded",
        function(circles.forwarded, _forwards_without_deadline)),
    Bug("requests/late replies are not counted", "requests/too slow",
        method(ActorSystem, "note_late_reply", _counts_no_late_reply)),
    Bug("requests/late errors are counted", "requests/too slow, in time",
        function(requests._note_late, _counts_all_late)),
    Bug("requests/deadlines ring on", PLAIN, function(requests._wait, _lets_deadlines_ring_on)),
    Bug("requests/two share a slot", SLOW, attribute(requests, "Reply", _answers_by_the_last_slot)),
    Bug("requests/a deadline is an answer", "requests/too slow",
        method(LoopWaiter, "_expired", _takes_expiry_for_an_answer)),
    Bug("requests/a reply is late and taken", PLAIN,
        method(LoopWaiter, "_answered", _notices_the_deadline_only)),
)  # fmt: skip
