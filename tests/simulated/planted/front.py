"""Bugs in routers, breakers and bulkheads."""

from dataclasses import replace
from typing import Any

from dramaturg.actors import ConsistentHash, LeastLoaded, RoundRobin, Router
from dramaturg.actors._cell import Cell
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.actors._router import _Ended
from dramaturg.actors._router_delivery import _FirstReply, is_closed
from dramaturg.supervision import BulkheadActor, _breaker_rules as rules
from dramaturg.supervision._breaker_gate import BreakerGate
from dramaturg.supervision._breaker_rules import BreakerState, Circuit, Outcome
from dramaturg.supervision._breaker_slot import SeenSlot
from tests.simulated.planted.plant import Bug, function, handling, method


def _starts_anew(choose: Any) -> Any:
    def buggy(self: RoundRobin, routees: Any, message: Any, state: Any) -> Any:
        return (routees[0],)

    return buggy


def _turns_twice(choose: Any) -> Any:
    def buggy(self: RoundRobin, routees: Any, message: Any, state: Any) -> Any:
        chosen = choose(self, routees, message, state)
        state.routed += 2
        return chosen

    return buggy


def _most_loaded(choose: Any) -> Any:
    def buggy(self: LeastLoaded, routees: Any, message: Any, state: Any) -> Any:
        return (max(routees, key=lambda ref: ref.cell.depth),)

    return buggy


def _key_and_turn(choose: Any) -> Any:
    def buggy(self: ConsistentHash, routees: Any, message: Any, state: Any) -> Any:
        return (routees[(self.key(message) + state.routed) % len(routees)],)

    return buggy


def _all_are_open(closed: Any) -> Any:
    def buggy(cell: Cell) -> bool:
        return False

    return buggy


def _keeps_the_ended(ended: Any) -> Any:
    def buggy(actor: Any, message: _Ended) -> None:
        """Keep a routee that has ended."""

    return buggy


def _ends_at_once(drained: Any) -> Any:
    def buggy(actor: Any, message: DrainEnd) -> None:
        message.handle(actor._cell)

    return buggy


def _first_error_counts(complete: Any) -> Any:
    def buggy(self: _FirstReply, value: Any, error: BaseException | None) -> None:
        slot, self._slot = self._slot, None
        if slot is not None:
            slot.complete(value, error)

    return buggy


def _admits_all_on_trial(admit: Any) -> Any:
    def buggy(circuit: Circuit, now: float) -> tuple[Circuit, bool]:
        circuit = rules.look(circuit, now)
        return circuit, circuit.state is not BreakerState.OPEN

    return buggy


def _never_forgives(record: Any) -> Any:
    def buggy(given: Any, circuit: Circuit, ticket: Circuit, outcome: Outcome, now: float) -> Any:
        if outcome is Outcome.SUCCESS and circuit.state is BreakerState.CLOSED:
            return circuit
        return record(given, circuit, ticket, outcome, now)

    return buggy


def _counts_old_tickets(record: Any) -> Any:
    def buggy(given: Any, circuit: Circuit, ticket: Circuit, outcome: Outcome, now: float) -> Any:
        return record(given, circuit, replace(ticket, period=circuit.period), outcome, now)

    return buggy


def _stays_half_open(record: Any) -> Any:
    def buggy(given: Any, circuit: Circuit, ticket: Circuit, outcome: Outcome, now: float) -> Any:
        if circuit.state is BreakerState.HALF_OPEN:
            return circuit
        return record(given, circuit, ticket, outcome, now)

    return buggy


def _never_opens(judge: Any) -> Any:
    def buggy(self: BreakerGate, error: BaseException | None) -> Outcome:
        return Outcome.SUCCESS

    return buggy


def _has_room_for_one_more(has_room: Any) -> Any:
    def buggy(self: BulkheadActor, item: Any) -> bool:
        return self._in_flight <= self._max_in_flight

    return buggy


def _keeps_places_of_failures(complete: Any) -> Any:
    def buggy(self: SeenSlot, value: Any, error: BaseException | None) -> None:
        if error is not None:
            self._seen = None
        complete(self, value, error)

    return buggy


def _lets_nobody_in_later(pass_on: Any) -> Any:
    def buggy(self: BulkheadActor) -> None:
        """Let what waits wait on."""

    return buggy


def _last_in_first_out(pass_on: Any) -> Any:
    def buggy(self: BulkheadActor) -> None:
        self._waiting.reverse()
        pass_on(self)
        self._waiting.reverse()

    return buggy


def _gives_places_back_twice(answered: Any) -> Any:
    def buggy(self: BulkheadActor) -> None:
        self._in_flight = max(0, self._in_flight - 1)
        answered(self)
        self._in_flight = max(0, self._in_flight)

    return buggy


TURNS = "front/in turns"
LIVING = "front/in turns of the living"
BUGS = (
    Bug("front/the first routee gets all", TURNS, method(RoundRobin, "choose", _starts_anew)),
    Bug("front/turns are skipped", TURNS, method(RoundRobin, "choose", _turns_twice)),
    Bug("front/the most loaded gets more", "front/by load",
        method(LeastLoaded, "choose", _most_loaded)),
    Bug("front/keys wander", "front/by key", method(ConsistentHash, "choose", _key_and_turn)),
    Bug("front/closed routees get messages", LIVING, function(is_closed, _all_are_open)),
    Bug("front/routees that ended stay", "front/pool deserted",
        handling(Router, _Ended, _keeps_the_ended)),
    Bug("front/a drained pool cuts its routees short", "front/pool drained",
        handling(Router, DrainEnd, _ends_at_once)),
    Bug("front/the first error answers", "front/polled",
        method(_FirstReply, "complete", _first_error_counts)),
    Bug("front/all are let through on trial", "front/broken in pairs",
        function(rules.admit, _admits_all_on_trial)),
    Bug("front/a success forgives nothing", "front/broken",
        function(rules.record, _never_forgives)),
    Bug("front/old outcomes count", "front/broken meanwhile",
        function(rules.record, _counts_old_tickets)),
    Bug("front/a trial decides nothing", "front/broken",
        function(rules.record, _stays_half_open)),
    Bug("front/it never opens", "front/broken", method(BreakerGate, "judge", _never_opens)),
    Bug("front/one more is in flight", "front/held back",
        method(BulkheadActor, "_has_room_for", _has_room_for_one_more)),
    Bug("front/failures keep their places", "front/held back from the fallen",
        method(SeenSlot, "complete", _keeps_places_of_failures)),
    Bug("front/who waits is not let in", "front/held back",
        method(BulkheadActor, "_pass_on_what_waits", _lets_nobody_in_later)),
    Bug("front/the last to wait is let in first", "front/held back from the fallen",
        method(BulkheadActor, "_pass_on_what_waits", _last_in_first_out)),
    Bug("front/a place is given back twice", "front/held back",
        method(BulkheadActor, "_answered", _gives_places_back_twice)),
)  # fmt: skip
