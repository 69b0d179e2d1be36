"""Bugs in what is durable, planted into the runtime, each with the scenario that finds it."""

import contextlib
from functools import partial
from typing import Any

from dramaturg.actors import EventSourced, JournalError
from dramaturg.actors._letters_writer import LettersWriter
from dramaturg.protocols import DurableTopic
from dramaturg.protocols._durable_confirming import Confirming
from dramaturg.protocols.state_machines._core import Machine
from dramaturg.protocols.testing import SystemScenario
from dramaturg.protocols.workflows import Retry
from dramaturg.protocols.workflows._scope import Scope
from tests.simulated.durable import blackboard, event_sourced, flow, letters, machine, topic
from tests.simulated.planted.plant import method

__all__ = ["PLANTED", "SCENARIOS", "WRITTEN"]

SCENARIOS: dict[str, SystemScenario] = {
    "blackboard": blackboard.writing(blackboard.Board),
    "dead letters": letters.burying,
    "durable topic": topic.publishing,
    "event-sourced actor": event_sourced.counting(event_sourced.Counter),
    "state machine": machine.shipping,
    "workflow": partial(flow.buying, count=2),
    "workflow that is undone": partial(flow.buying, count=9),
}

WRITTEN: dict[str, SystemScenario] = {
    "a blackboard that does not mind its journal": blackboard.writing(blackboard.Careless),
    "a blackboard that tells before it stores": blackboard.writing(blackboard.Blurting),
    "an actor that acts before it stores": event_sourced.counting(event_sourced.Eager),
    "an actor that answers before it stores": event_sourced.counting(event_sourced.Hasty),
    "an actor that does not mind its journal": event_sourced.counting(event_sourced.Careless),
}
"""Whose bug stands in a class of their own."""


def _careless(persist: Any) -> Any:
    async def buggy(self: Any, *events: Any) -> None:
        state = self._state
        for each in events:
            state = self.apply(state, each)
        with contextlib.suppress(JournalError):
            await persist(self, *events)
        self._stream.failure = None
        self._state = state

    return buggy


def _careless_coordinator(store: Any) -> Any:
    async def buggy(self: Any, events: Any, label: str | None) -> None:
        with contextlib.suppress(JournalError):
            await store(self, events, label)
        self._stream.failure = None

    return buggy


def _hands_over_only(_: Any) -> Any:
    return property(lambda cursor: cursor._read)


def _nothing(_: Any) -> Any:
    def buggy(*_: Any) -> None:
        pass

    return buggy


def _says_stored_at_once(publish: Any) -> Any:
    async def buggy(self: Any, given: Any) -> Any:
        found = await publish(self, given)
        self._cell.message.reply.complete(found, None)
        return found

    return buggy


def _forgets_timers(follow: Any) -> Any:
    async def buggy(self: Any, record: Any) -> None:
        await self.persist(record)

    return buggy


def _always(_: Any) -> Any:
    def buggy(self: Any, error: Any, *, attempt: int, spent: float, random: Any) -> float | None:
        return 0.1 if attempt < 2 else None

    return buggy


PLANTED: dict[str, tuple[str, Any]] = {
    "a topic that does not mind its journal": (
        "durable topic",
        method(EventSourced, "persist", _careless),
    ),
    "a topic that answers twice": (
        "durable topic",
        method(DurableTopic, "_publish", _says_stored_at_once),
    ),
    "a subscription that confirms what it has handed over": (
        "durable topic",
        method(Confirming, "_reached", _hands_over_only),
    ),
    "letters that are not settled": (
        "dead letters",
        method(LettersWriter, "settle", _nothing),
    ),
    "a machine that does not mind its journal": (
        "state machine",
        method(EventSourced, "persist", _careless),
    ),
    "a machine without timers": (
        "state machine",
        method(Machine, "_stored", _forgets_timers),
    ),
    "a workflow that does not mind its journal": (
        "workflow",
        method(EventSourced, "_store", _careless_coordinator),
    ),
    "a workflow that asks again when it was refused": (
        "workflow that is undone",
        method(Retry, "again", _always),
    ),
    "a workflow that undoes nothing": (
        "workflow that is undone",
        method(Scope, "intend", _nothing),
    ),
}
