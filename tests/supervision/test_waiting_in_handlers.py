"""Waiting for what waits for oneself fails at once, and says what to do instead."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorCrashed,
    ActorSystem,
    BlockingCallError,
    Props,
    RequestCycleError,
    handler,
)
from dramaturg.supervision import (
    ChildSpec,
    FailedToStartChild,
    RestartLimitReached,
    Supervisor,
    SupervisorSpec,
    WhichChildren,
)
from tests.actors.kit import within
from tests.any_order import moment, new_system
from tests.supervision.faults import silent


class End:
    """Stop your own ref, or your parent's."""

    def __init__(self, above: int) -> None:
        self.above = above


class Waiter(Actor):
    """Awaits the end of somebody that has to wait for it."""

    @handler
    async def end(self, message: End) -> None:
        ref: Any = self.context.parent if message.above else self.context.ref
        await ref.stop(block=False)

    @handler
    async def elsewhere(self, message: str) -> None:
        self.waits = asyncio.ensure_future(self.wait())

    async def wait(self) -> None:
        await self.context.ref.stop(block=False)


class Parent(Actor):
    def __init__(self) -> None:
        self.child = self.context.spawn(Waiter, name="child")


@pytest.mark.parametrize("above", [0, 1])
async def test_awaiting_its_own_end_or_an_ancestors_fails_at_once(above: int) -> None:
    async with new_system(logger=silent()) as system:
        system.spawn(Parent, name="parent")
        child: Any = system.lookup("/parent/child")

        with pytest.raises(ActorCrashed) as raised:
            await within(child.request(End(above)))

    assert isinstance(raised.value.__cause__, BlockingCallError)
    assert "context.stop_self()" in str(raised.value.__cause__)


async def test_a_task_that_a_handler_started_may_await_the_actors_end() -> None:
    async with new_system(logger=silent()) as system:
        ref = system.spawn(Waiter)
        ended = ref.cell
        ref.tell("elsewhere")
        await within(_gone(system, ended))


async def _gone(system: ActorSystem, cell: Any) -> None:
    while system.statistics().actors:  # no event tells of it
        await moment()


class Curious(Actor):
    """Asks its supervisor while that waits for it."""

    def __init__(self, when: str, found: list[RequestCycleError]) -> None:
        self.when = when
        self.found = found

    async def on_start(self) -> None:
        if self.when == "on_start":
            await self.ask()

    async def on_stop(self) -> None:
        if self.when == "on_stop":
            try:
                await self.ask()
            except RequestCycleError as error:
                self.found.append(error)

    async def ask(self) -> None:
        parent: Any = self.context.parent
        await parent.request(WhichChildren())


async def test_a_child_that_asks_its_supervisor_in_on_start_fails_at_once() -> None:
    async with new_system(logger=silent()) as system:
        spec = SupervisorSpec([ChildSpec("it", Props(Curious, "on_start", []))])
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        with pytest.raises(Exception) as raised:
            await within(sup.started())
        with pytest.raises((FailedToStartChild, RestartLimitReached)):
            await within(system.wait())

    error: BaseException | None = raised.value
    while error is not None and not isinstance(error, RequestCycleError):
        error = error.__cause__
    assert isinstance(error, RequestCycleError)
    assert error.path == ("/sup/it", "/sup", "/sup/it")


async def test_a_child_that_asks_its_supervisor_in_on_stop_fails_at_once() -> None:
    found: list[RequestCycleError] = []
    async with new_system(logger=silent()) as system:
        curious = Props(Curious, "on_stop", found)
        spec = SupervisorSpec([ChildSpec("it", curious, shutdown="infinity")])
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        await within(sup.started())
        await within(sup.stop(block=False))

    (error,) = found
    assert error.path == ("/sup/it", "/sup", "/sup/it")
