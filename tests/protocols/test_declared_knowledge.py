"""The declared protocols of blackboards and delegators, kept and broken."""

from typing import Any

import pytest

from dramaturg.actors import Actor, ActorSystem, Props, Refused, Request, handler
from dramaturg.actors.journal import MemoryJournal
from dramaturg.protocols import (
    BoardChanged,
    CompareAndSet,
    Delegator,
    Delete,
    Follow,
    InOrder,
    Put,
    PutAll,
    Route,
    Unfollow,
    board_followed,
    board_written,
    by_pair,
    by_request,
    delegated,
)
from tests.actors.kit import Do, within
from tests.actors.messaging_kit import turns
from tests.protocols.blackboard_kit import Board, Listener
from tests.protocols.monitor_kit import attached

pytestmark = pytest.mark.timeout(30)


class Task(Request[str]):
    number: int = 0


class Works(Actor):
    @handler
    def work(self, task: Task) -> str:
        return "done"


class Fails(Actor):
    @handler
    def work(self, task: Task) -> str:
        raise RuntimeError("cannot")


class Follows(Listener):
    @handler
    async def act(self, message: Do) -> Any:
        return await message.what(self)


async def test_each_write_is_answered_once() -> None:
    async with ActorSystem(journal=MemoryJournal()) as system:
        board = system.spawn(Board)
        roles = {"writer": None, "board": board}
        with attached(system, board_written(), roles, key=by_request) as (monitor, violations):
            for write in (
                Put("a", 1),
                PutAll(Put("b", 1)),
                CompareAndSet("a", 1, 2),
                Delete("a"),
                Delete("a"),
            ):
                await within(board.request(write))
            with pytest.raises(Refused):
                await within(board.request(Put("b", [])))

            assert monitor.statistics().observations == 24
            assert violations == []


async def converse(system: ActorSystem) -> list[Any]:
    log: list[Any] = []
    board = system.spawn(Board)
    follower = system.spawn(Props(Follows, log))
    roles = {"follower": follower, "board": board}
    with attached(system, board_followed(), roles, key=by_pair) as (_, violations):
        await within(board.request(Put("a", 1)))
        await within(follower.request(Do(lambda actor: board.request(Follow(actor.actor_ref)))))
        await within(board.request(Put("a", 2)))
        await within(follower.request(Do(lambda actor: board.request(Unfollow(actor.actor_ref)))))
        await within(board.request(Put("a", 3)))
        await turns()
        return violations


async def test_a_follower_is_told_what_it_has_asked_for() -> None:
    async with ActorSystem(journal=MemoryJournal()) as system:
        assert await converse(system) == []


async def test_a_board_that_tells_one_that_has_not_asked_is_reported() -> None:
    class Gossip(Actor):
        @handler
        def act(self, message: Do) -> None:
            message.what(self)

    async with ActorSystem() as system:
        board, follower = system.spawn(Gossip), system.spawn(Props(Follows, []))
        roles = {"follower": follower, "board": board}
        with attached(system, board_followed(), roles, key=by_pair) as (_, violations):
            news = BoardChanged(board, 1, (), 1)
            await within(board.request(Do(lambda _: follower.tell(news))))
            await turns()

            assert "unexpected" in [each.kind for each in violations]


@pytest.mark.parametrize("last", [Works, Fails])
async def test_agents_are_asked_one_after_the_other(last: type[Actor]) -> None:
    async with ActorSystem(trace=True) as system:
        kinds: list[type[Actor]] = [Fails, last]
        agents = [system.spawn(each, name=f"agent-{number}") for number, each in enumerate(kinds)]
        desk = system.spawn(Delegator.of(Route(Task, agents=agents, choose=InOrder())))
        await within(desk.started())
        roles = {"client": None, "delegator": desk, "agent": tuple(agents)}
        with attached(system, delegated(Task, str), roles) as (monitor, violations):
            try:
                told: Any = await within(desk.request(Task()))
            except Exception as error:  # noqa: BLE001 - whatever it is told
                told = type(error).__name__

            assert told == ("done" if last is Works else "DelegationFailed")
            assert violations == []
            assert monitor.statistics().observations == 12


async def test_a_delegator_that_asks_all_at_once_is_reported() -> None:
    class Hasty(Actor):
        def __init__(self, *agents: Any) -> None:
            self.agents = agents

        @handler
        async def work(self, task: Task) -> str:
            answers = [each.ask(task, block=False, timeout=5) for each in self.agents]
            told = [await each for each in answers]
            return str(told[0])

    async with ActorSystem(trace=True) as system:
        agents = [system.spawn(Works, name=f"agent-{number}") for number in range(2)]
        desk = system.spawn(Props(Hasty, *agents))
        roles = {"client": None, "delegator": desk, "agent": tuple(agents)}
        with attached(system, delegated(Task, str), roles) as (_, violations):
            assert await within(desk.request(Task())) == "done"
            assert "unexpected" in [each.kind for each in violations]
