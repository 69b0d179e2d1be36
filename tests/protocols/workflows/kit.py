"""What the tests of workflows share: a system with a journal in memory, and participants."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorSystem, ManualClock, MemoryJournal, MemoryStore, Message, Refused
from dramaturg.protocols.workflows import Call, Retry, Workflow, WorkflowFailed
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from dramaturg.protocols.workflows import Step

__all__ = ["LIMIT", "SOON", "Order", "People", "ended", "outcome", "started", "until", "workflow"]

LIMIT = 20.0
SOON = Retry(attempts=3, backoff=Backoff(0.001, 0.001))


class Order(Message, name="tests.workflows.Order"):
    """What most workflows here take."""

    sku: str = "tea"
    cents: int = 5


class People:
    """Participants that remember what they were asked for."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.keys: dict[str, set[str]] = {}
        self.undone: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self._failures: dict[str, int] = {}

    def does(self, name: str, gives: Any = ...) -> Callable[[Any, Call], Any]:
        """Do something, and hand the value on or give another."""

        async def act(value: Any, call: Call) -> Any:
            self._note(name, call)
            return value if gives is ... else gives

        return act

    def waits(self, name: str) -> Callable[[Any, Call], Any]:
        """Do something once the gate of that name is open."""
        gate = self.gates.setdefault(name, asyncio.Event())

        async def act(value: Any, call: Call) -> Any:
            self._note(name, call)
            await gate.wait()
            return value

        return act

    def fails(
        self, name: str, *, times: int = 10**9, error: type[Exception] = ConnectionError
    ) -> Callable[[Any, Call], Any]:
        """Fail so often, then do it."""

        async def act(value: Any, call: Call) -> Any:
            self._note(name, call)
            self._failures[call.key] = self._failures.get(call.key, 0) + 1
            if self._failures[call.key] <= times:
                raise error("no")
            return value

        return act

    def refuses(self, name: str) -> Callable[[Any, Call], Any]:
        """Say no."""
        return self.fails(name, error=Refused)

    def undoes(self, name: str, *, fails: int = 0) -> Callable[[Any, Call], Any]:
        """Undo something, at last."""

        async def act(value: Any, call: Call) -> None:
            self._failures[call.key] = self._failures.get(call.key, 0) + 1
            if self._failures[call.key] <= fails:
                raise ConnectionError("no")
            self.undone.append(name)

        return act

    def _note(self, name: str, call: Call) -> None:
        self.done.append(name)
        self.keys.setdefault(name, set()).add(call.key)


def workflow(root: Step, **options: Any) -> Workflow:
    """Make a workflow that takes orders."""
    options.setdefault("takes", Order)
    return Workflow("test", root, **options)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds: what it depends on goes on in the loop's next rounds."""
    async with asyncio.timeout(LIMIT):
        while not await check():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


@asynccontextmanager
async def started(
    store: MemoryStore | None = None, *, clock: ManualClock | None = None
) -> AsyncGenerator[ActorSystem]:
    """Run a system whose journal is in memory."""
    journal = MemoryJournal(store)
    async with ActorSystem("test", journal=journal, clock=clock, seed=1) as system:
        yield system


async def outcome(flow: Workflow, system: ActorSystem, id: str = "1", value: Any = None) -> Any:  # noqa: A002
    """Run an instance and return its result, or the status with which it ended otherwise."""
    try:
        order = Order() if value is None else value
        return await asyncio.wait_for(flow.run(system, order, id=id), LIMIT)
    except WorkflowFailed as failed:
        return failed.status


async def ended(root: Step, value: Any = None, **options: Any) -> Any:
    """Run a workflow of its own in a system of its own."""
    async with started() as system:
        return await outcome(workflow(root, **options), system, value=value)
