"""Messages that no routee gets: they are dead letters, and the router lives on."""

import asyncio
import copy
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import (
    ActorRef,
    ActorSystem,
    AddRoutee,
    Bounded,
    Broadcast,
    ConsistentHash,
    DeadLetterReason,
    GetRoutees,
    MailboxFull,
    Overflow,
    Priority,
    Props,
    RoundRobin,
    Router,
    RoutingState,
    UnroutableError,
)
from tests.actors.router_kit import Desk, Hold, Job, Worker, group_of, held, names_of, pool_of

pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize("message", [Job(), Broadcast(Job())], ids=["message", "broadcast"])
async def test_an_empty_group_makes_dead_letters(message: Any) -> None:
    async with ActorSystem("test") as system:
        group, (worker,) = group_of(system, Desk(), "a")
        await worker.stop(block=False)

        group.tell(message)
        with pytest.raises(UnroutableError, match="/group cannot route"):
            await group.request(message)

        letters = system.dead_letters.list(reason=DeadLetterReason.UNROUTABLE)
        assert [(letter.target, letter.message) for letter in letters] == [("/group", message)] * 2
        assert system.dead_letters.total == 2
        assert group.is_alive()


async def test_a_thread_that_asks_an_empty_group_gets_an_error() -> None:
    async with ActorSystem("test") as system:
        group, (worker,) = group_of(system, Desk(), "a")
        await worker.stop(block=False)

        with pytest.raises(UnroutableError):
            await asyncio.to_thread(group.ask, Job())


async def test_a_group_that_was_empty_works_again_with_a_new_routee() -> None:
    async with ActorSystem("test") as system:
        group, (worker,) = group_of(system, Desk(), "a")
        await worker.stop(block=False)

        await group.request(AddRoutee(system.spawn(Props(Worker, Desk()), name="b")))

        assert await group.request(Job()) == "b"


async def test_a_message_whose_key_cannot_be_had_is_a_dead_letter_and_the_router_lives() -> None:
    async with ActorSystem("test") as system:
        logic = ConsistentHash(key=lambda message: message.customer)
        pool = system.spawn(pool_of(2, Desk(), logic), name="pool")

        with pytest.raises(UnroutableError, match="no attribute 'customer'") as caught:
            await pool.request("not a job")

        assert isinstance(caught.value.__cause__, AttributeError)
        (letter,) = system.dead_letters.list()
        assert (letter.reason, letter.error) == (DeadLetterReason.UNROUTABLE, caught.value)
        assert len(await names_of(pool)) == 2


async def test_a_logic_that_chooses_nobody_makes_dead_letters() -> None:
    @dataclass(frozen=True)
    class Nobody:
        def choose(
            self, routees: tuple[ActorRef[Any], ...], message: Any, state: RoutingState
        ) -> Sequence[ActorRef[Any]]:
            return ()

    async with ActorSystem("test") as system:
        pool = system.spawn(pool_of(2, Desk(), Nobody()))

        with pytest.raises(UnroutableError):
            await pool.request(Job())


@pytest.mark.parametrize(
    "overflow", [Overflow.REJECT, Overflow.BLOCK, Overflow.DROP_NEWEST], ids=lambda o: o.value
)
async def test_a_full_routee_makes_dead_letters_and_holds_up_nobody(overflow: Overflow) -> None:
    desk = Desk()
    worker = Props(Worker, desk).using(mailbox=Bounded(1, overflow))
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(worker, 1, RoundRobin()), name="pool")
        pool.tell(Hold())
        await held(desk)
        pool.tell(Job(number=1))

        pool.tell(Job(number=2))
        with pytest.raises(MailboxFull, match=r"/pool/\$a"):
            await pool.request(Job(number=3))

        letters = system.dead_letters.list(reason=DeadLetterReason.OVERFLOW)
        assert [letter.message.number for letter in letters] == [2, 3]
        desk.let_go.set()
        await pool.drain(block=False)
    assert desk.numbers("$a") == [1]


async def test_a_routee_whose_mailbox_cannot_take_a_message_costs_only_that_message() -> None:
    def urgency(message: Any) -> int:
        return 1 // int(message.number)

    worker = Props(Worker, Desk()).using(mailbox=Priority(urgency))
    async with ActorSystem("test") as system:
        pool = system.spawn(Router.pool(worker, 2, RoundRobin()))

        with pytest.raises(UnroutableError, match="division"):
            await pool.request(Job(number=0))

        assert await pool.request(Job(number=1)) == "$b"


async def test_unroutable_messages_can_be_replayed() -> None:
    async with ActorSystem("test") as system:
        desk = Desk()
        group, (worker,) = group_of(system, desk, "a")
        await worker.stop(block=False)
        group.tell(Job(number=5))
        group.tell(AddRoutee(system.spawn(Props(Worker, desk), name="b")))
        await group.request(GetRoutees())

        replayed = system.dead_letters.replay()
        await group.request(Job(number=6))

    assert replayed.sent == 1
    assert desk.numbers("b") == [5, 6]


def test_the_error_survives_pickle_and_copy() -> None:
    error = UnroutableError(path="/pool", problem="it has no routee for it")

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert (str(twin), twin.path, twin.problem) == (str(error), "/pool", error.problem)
