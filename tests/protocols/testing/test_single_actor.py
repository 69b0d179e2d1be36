"""One actor against its protocol: what the others say, and what is found wrong with the actor."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from dramaturg.actors import Actor, ActorRef, Message, Props, Refused, Request, handler
from dramaturg.protocols import (
    Protocol,
    Role,
    UnknownRoleError,
    request_response,
    request_with_deadline,
    sequence,
)
from dramaturg.protocols.testing import (
    EscapeError,
    Faults,
    ForeignScheduleError,
    Peers,
    ScenarioError,
    Simulation,
    Verdict,
    explore_actor,
    replay_actor,
)
from tests.protocols.monitor_kit import (
    COORDINATOR,
    PARTICIPANT,
    TWO_PHASE_COMMIT,
    Abort,
    Account,
    Begin,
    Commit,
    Coordinator,
    Prepare,
    Vote,
)

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


class Price(Message):
    amount: int


class AskPrice(Request[Price]):
    item: int


class Cancel(Message): ...


ASKING = request_response(AskPrice, Price)

BUYER, SHOP = Role("buyer"), Role("shop", serves=True)
HAGGLING = Protocol(
    "haggling",
    roles=(BUYER, SHOP),
    order=sequence(
        sequence(BUYER >> SHOP @ AskPrice, SHOP >> BUYER @ Price).times(1, None),
        BUYER >> SHOP @ Cancel,
    ),
)


class Good(Actor):
    """Answers each request once."""

    @handler
    def ask(self, message: AskPrice) -> Price:
        return Price(amount=message.item)

    @handler
    def cancel(self, message: Cancel) -> None: ...


def failure_of(verdict: Verdict) -> str:
    """Return the property that was broken."""
    assert verdict.failure is not None, verdict
    return verdict.failure.property


# -- what a role may do wrong ------------------------------------------------------------------


def test_an_actor_that_keeps_to_its_role_passes() -> None:
    assert explore_actor(Good, ASKING, role="server").check().truncated == 0
    assert explore_actor(Good, HAGGLING, role=SHOP, schedules=50).check().truncated == 0


def test_an_actor_that_fails_on_some_message_is_found() -> None:
    class Fragile(Good):
        @handler
        def ask(self, message: AskPrice) -> Price:
            if message.item < 0:
                raise KeyError(message.item)
            return Price(amount=message.item)

    verdict = explore_actor(Fragile, ASKING, role="server")

    assert failure_of(verdict) == "server raises KeyError"
    assert verdict.failure is not None
    assert len(verdict.failure.schedule) == 1
    assert "the simplest: AskPrice(item=-1)" in str(verdict)
    said = re.search(
        r"here say client->server (AskPrice~[1-9]) #0 \((.*)\)$", str(verdict), re.MULTILINE
    )
    assert said is not None
    assert said[2].startswith(f"AskPrice~0 is AskPrice(item=0), {said[1]} is AskPrice(item=-")


def test_an_actor_that_answers_twice_is_found() -> None:
    class Twice(Good):
        @handler
        def ask(self, message: AskPrice) -> Price:
            assert self.context.sender is not None
            self.context.sender.tell(Price(amount=1))
            return Price(amount=2)

    verdict = explore_actor(Twice, ASKING, role="server")

    assert failure_of(verdict) == "server sends what it may not"
    assert "expected nothing" in str(verdict)


def test_an_actor_that_never_answers_is_found() -> None:
    class Silent(Good):
        @handler
        def ask(self, message: AskPrice) -> Price:
            return self.context.stash()

    verdict = explore_actor(Silent, ASKING, role="server")

    assert failure_of(verdict) == "server is not done"
    assert "expected !to client Price" in str(verdict)


def test_an_actor_without_a_handler_is_found() -> None:
    class Deaf(Actor): ...

    verdict = explore_actor(Deaf, ASKING, role="server")
    assert failure_of(verdict) == "server has no handler for AskPrice"


def test_an_actor_that_is_late_is_found() -> None:
    class Late(Actor):
        @handler
        async def ask(self, message: AskPrice) -> Price:
            await asyncio.sleep(message.item % 7)
            return Price(amount=1)

    protocol = request_with_deadline(AskPrice, Price, seconds=5)

    def explored(*items: int) -> Verdict:
        return explore_actor(
            Late, protocol, role="server", messages={AskPrice: _asks(*items)}, schedules=50
        )

    assert explored(1, 3).passed
    verdict = explored(1, 6)
    assert failure_of(verdict) == "server is late"


def test_the_shortest_talk_is_reported() -> None:
    class Tired(Good):
        def __init__(self) -> None:
            self.asked = 0

        @handler
        def ask(self, message: AskPrice) -> Price:
            self.asked += 1
            if self.asked == 3:
                raise RuntimeError("tired")
            return Price(amount=1)

    verdict = explore_actor(Tired, HAGGLING, role="shop")

    assert failure_of(verdict) == "shop raises RuntimeError"
    assert verdict.failure is not None
    assert [*verdict.failure.schedule] == [f"say buyer->shop AskPrice~0 #{at}" for at in range(3)]


def _asks(*items: int) -> list[AskPrice]:
    return [AskPrice(item=item) for item in items]


# -- the others --------------------------------------------------------------------------------


class Client(Actor):
    """Asks by itself, a second after its start."""

    def __init__(self, server: ActorRef[Any], times: int = 1) -> None:
        self.server = server
        self.times = times
        self.context.start_timer("go", "go", after=1)

    @handler
    async def go(self, message: str) -> None:
        for _ in range(self.times):
            await self.server.request(AskPrice(item=1))


def test_an_actor_that_begins_is_given_the_others() -> None:
    def client(times: int) -> Callable[[Peers], Props[Client]]:
        return lambda peers: Props(Client, peers["server"], times)

    assert explore_actor(client(1), ASKING, role="client", schedules=50).passed
    verdict = explore_actor(client(2), ASKING, role="client")
    assert failure_of(verdict) == "client sends what it may not"


def test_what_an_actor_sends_while_it_is_made_is_seen() -> None:
    class Hasty(Client):
        def __init__(self, server: ActorRef[Any]) -> None:
            server.tell(AskPrice(item=1))
            server.tell(AskPrice(item=2))

    verdict = explore_actor(lambda peers: Props(Hasty, peers["server"]), ASKING, role="client")
    assert failure_of(verdict) == "client sends what it may not"


class FullAccount(Account):
    @handler
    def abort(self, message: Abort) -> None: ...


def test_the_others_talk_to_each_other_too() -> None:
    verdict = explore_actor(Account, TWO_PHASE_COMMIT, role=PARTICIPANT)

    assert failure_of(verdict) == "participant-1 has no handler for Abort"
    assert "the simplest" not in str(verdict)
    assert "/participant-2" in str(verdict)
    assert explore_actor(FullAccount, TWO_PHASE_COMMIT, role=PARTICIPANT, schedules=50).passed


def begin(sim: Simulation, ref: ActorRef[Any], peers: Any) -> None:
    """Set a coordinator going, and say what has to hold."""
    sim.sometimes(lambda view: view["/coordinator"].left == 1, "waits for the last vote")
    ref.tell(Begin(accounts=tuple(peers.values())))


def test_a_test_may_set_the_actor_going_and_declare_properties() -> None:
    for members in ({"participant": 2}, {"participant": 3}):
        verdict = explore_actor(
            Coordinator,
            TWO_PHASE_COMMIT,
            role=COORDINATOR,
            begin=begin,
            members=members,
            schedules=50,
        )
        assert verdict.passed


class HastyCoordinator(Coordinator):
    @handler
    def vote(self, message: Vote) -> None:
        for ref in self.accounts:
            ref.tell(Commit())
        self.accounts = ()


def test_a_decision_before_the_last_vote_is_found() -> None:
    verdict = explore_actor(
        HastyCoordinator,
        TWO_PHASE_COMMIT,
        role="coordinator",
        begin=lambda _, ref, peers: ref.tell(Begin(accounts=tuple(peers.values()))),
    )

    assert failure_of(verdict) == "coordinator sends what it may not"
    assert "expected ?from participant[" in str(verdict)


def test_children_speak_for_their_parent() -> None:
    class Worker(Actor):
        @handler
        def work(self, message: Begin) -> None:
            message.accounts[0].tell(Vote())

    class Boss(Actor):
        @handler
        def ask(self, message: Prepare) -> None:
            assert self.context.sender is not None
            worker = self.context.spawn(Worker)
            for _ in range(message.transaction % 2 + 1):
                worker.tell(Begin(accounts=(self.context.sender,)))

    asking = request_response(Prepare, Vote)
    once, twice = ({Prepare: [Prepare(transaction=number)]} for number in (0, 1))

    assert explore_actor(Boss, asking, role="server", messages=once, schedules=50).passed
    verdict = explore_actor(Boss, asking, role="server", messages=twice)
    assert failure_of(verdict) == "server sends what it may not"


def test_begin_may_be_a_coroutine() -> None:
    async def ask(_: Simulation, ref: ActorRef[Any], peers: Any) -> None:
        assert await ref.request(Cancel()) is None

    explore_actor(Good, ASKING, role="server", begin=ask, schedules=5).check()


def test_what_is_not_controlled_is_named() -> None:
    class Escaping(Actor):
        @handler
        async def ask(self, message: AskPrice) -> Price:
            await asyncio.to_thread(print)
            return Price(amount=1)

    verdict = explore_actor(Escaping, ASKING, role="server")
    assert failure_of(verdict) == f"server raises {EscapeError.__name__}"


# -- illegal messages and faults ---------------------------------------------------------------


class Trusting(Actor):
    """Thinks that nobody cancels what was not asked for."""

    def __init__(self) -> None:
        self.open: list[int] = []

    @handler
    def ask(self, message: AskPrice) -> Price:
        self.open.append(message.item)
        return Price(amount=1)

    @handler
    def cancel(self, message: Cancel) -> None:
        self.open.pop()


class Wary(Trusting):
    @handler
    def cancel(self, message: Cancel) -> None:
        if not self.open:
            raise Refused("nothing to cancel")
        self.open.pop()


def test_a_message_at_the_wrong_time_must_not_make_it_fail() -> None:
    assert explore_actor(Trusting, HAGGLING, role="shop", schedules=50).passed
    assert explore_actor(Wary, HAGGLING, role="shop", schedules=50, illegal=1).passed
    verdict = explore_actor(Trusting, HAGGLING, role="shop", illegal=1)

    assert failure_of(verdict) == "shop raises IndexError"
    assert verdict.failure is not None
    assert verdict.failure.schedule == ("illegal buyer->shop Cancel~0 #0",)
    assert "(illegal)" in str(verdict)


def test_a_vote_for_what_was_not_asked_is_found() -> None:
    verdict = explore_actor(FullAccount, TWO_PHASE_COMMIT, role="participant", illegal=1)

    assert failure_of(verdict) == "participant-1 sends what it may not"


def test_timers_may_ring_early() -> None:
    def actor(peers: Peers) -> Props[Client]:
        return Props(Client, peers["server"])

    assert explore_actor(actor, ASKING, role="client", schedules=20).passed
    verdict = explore_actor(actor, ASKING, role="client", faults=Faults(early_timers=1))
    assert failure_of(verdict) == "client raises DeadlineExceeded"


# -- messages ----------------------------------------------------------------------------------


def test_messages_may_be_given_in_three_ways() -> None:
    class Picky(Good):
        @handler
        def ask(self, message: AskPrice) -> Price:
            if message.item != 7:
                raise ValueError(message.item)
            return Price(amount=1)

    def make(peers: Peers) -> AskPrice:
        return AskPrice(item=6 + len(peers))

    given: list[Any] = [[AskPrice(item=7)], st.builds(AskPrice, item=st.just(7)), make]
    for messages in given:
        verdict = explore_actor(
            Picky, ASKING, role="server", messages={AskPrice: messages}, schedules=50
        )
        assert verdict.passed
    assert not explore_actor(Picky, ASKING, role="server").passed


@settings(max_examples=5, deadline=None)
@given(item=st.integers(0, 100))
def test_given_may_be_around_it(item: int) -> None:
    verdict = explore_actor(
        Good, ASKING, role="server", messages={AskPrice: [AskPrice(item=item)]}, schedules=3
    )
    assert verdict.passed


def test_the_same_seed_sends_the_same_messages_and_a_token_replays_them() -> None:
    class Fragile(Good):
        @handler
        def ask(self, message: AskPrice) -> Price:
            if message.item < 0:
                raise KeyError(message.item)
            return Price(amount=message.item)

    first, second = (explore_actor(Fragile, ASKING, role="server", seed=5) for _ in range(2))
    assert first.failure is not None
    assert first.failure == second.failure

    again = replay_actor(Fragile, ASKING, first.failure.token, role="server", seed=5)
    assert again.run.broken is not None
    assert again.run.broken.name == "server raises KeyError"
    assert first.failure.detail.startswith(again.run.broken.detail)
    with pytest.raises(ForeignScheduleError, match="1 of its 1 events"):
        replay_actor(Fragile, ASKING, ["say x->y Z~0 #0"], role="server")


# -- misuse ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"values": 0}, "values=0"),
        ({"length": 0}, "length=0"),
        ({"illegal": -1}, "illegal=-1"),
        ({"schedules": 0}, "schedules=0"),
        ({"messages": {Price: []}}, None),
        ({"messages": {Vote: [Vote()]}}, "is no message of request_response"),
        ({"messages": {AskPrice: []}}, "is no AskPrice"),
        ({"messages": {AskPrice: [Price(amount=1)]}}, "is no AskPrice"),
        ({"messages": {AskPrice: 3}}, "is no AskPrice"),
        ({"allow": ("clocks",)}, "expected several of clock, sleep"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options: dict[str, Any], said: str | None) -> None:
    if said is None:  # of a message that the actor is not sent
        assert explore_actor(Good, ASKING, role="server", schedules=1, **options).passed
        return
    with pytest.raises(ScenarioError, match=said):
        explore_actor(Good, ASKING, role="server", **options)


def test_what_is_no_actor_is_refused() -> None:
    wrong: Any = 3
    with pytest.raises(ScenarioError, match="3: is no actor"):
        explore_actor(wrong, ASKING, role="server")
    with pytest.raises(UnknownRoleError):
        explore_actor(Good, ASKING, role="waiter")
    with pytest.raises(ScenarioError, match="token"):
        replay_actor(Good, ASKING, "v0:x", role="server")
