"""A monitor on a live system: what it sees, what it reports, and that it disturbs nobody."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    Bounded,
    ManualClock,
    OptionError,
    Overflow,
    Props,
    Refused,
    SystemStateError,
    ThreadActor,
    handler,
)
from dramaturg.actors._cell import Cell
from dramaturg.actors._tap import TappedCell
from dramaturg.protocols import (
    Channels,
    Monitor,
    Protocol,
    ProtocolViolated,
    Role,
    Seen,
    UnknownRoleError,
    ViolationKind,
    by_pair,
    by_request,
    request_response,
    request_with_deadline,
    sequence,
)
from tests.actors.messaging_kit import until
from tests.protocols.monitor_kit import (
    COORDINATOR,
    PARTICIPANT,
    TWO_PHASE_COMMIT,
    Account,
    Ask,
    AsyncAccount,
    Begin,
    Commit,
    Coordinator,
    Prepare,
    attached,
)

ROLES: Any = {"coordinator": Coordinator, "participant": Account}


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("account", [Account, AsyncAccount])
async def test_a_conversation_by_the_protocol_is_no_violation(
    account: type[Actor], trace: bool
) -> None:
    async with ActorSystem(trace=trace) as system:
        accounts = tuple(system.spawn(account) for _ in range(3))
        roles = {COORDINATOR: Coordinator, PARTICIPANT: accounts}
        with attached(system, TWO_PHASE_COMMIT, roles) as (monitor, violations):
            system.spawn(Coordinator).tell(Begin(accounts=accounts))
            await until(lambda: monitor.statistics().observations == 18)

            assert monitor.finish() == ()
            assert violations == []


async def test_a_decision_before_the_last_vote_is_reported() -> None:
    async with ActorSystem() as system:
        accounts = tuple(system.spawn(Account) for _ in range(2))
        with attached(system, TWO_PHASE_COMMIT, ROLES) as (_, violations):
            system.spawn(Coordinator, name="c").tell(Begin(accounts=accounts, skip=1))
            await until(lambda: len(violations) > 1)

            first = violations[0]
            assert (first.path, first.role, first.kind) == ("/c", "coordinator", "unexpected")
            assert first.message == "Commit"
            assert first.expected == (f"?from participant[{accounts[1].path}] Vote",)
            assert first.correlation_id is not None
            assert first.conversation == first.correlation_id
            assert first.protocol == "two_phase_commit"


async def test_conversations_are_told_apart_by_what_led_to_them() -> None:
    async with ActorSystem() as system:
        accounts = tuple(system.spawn(Account) for _ in range(2))
        with attached(system, TWO_PHASE_COMMIT, ROLES) as (monitor, violations):
            for _ in range(3):
                system.spawn(Coordinator).tell(Begin(accounts=accounts))
            await until(lambda: monitor.statistics().observations == 36)

            assert monitor.statistics().conversations == 3
            assert violations == []


async def test_who_starts_later_plays_too() -> None:
    async with ActorSystem() as system:
        with attached(system, TWO_PHASE_COMMIT, ROLES) as (monitor, violations):
            account = system.spawn(Account)
            system.spawn(Coordinator).tell(Begin(accounts=(account,)))
            await until(lambda: monitor.statistics().observations == 6)
            assert violations == []


async def test_who_has_stopped_does_not_count_as_a_member() -> None:
    async with ActorSystem() as system:
        accounts = [system.spawn(Account) for _ in range(3)]
        with attached(system, TWO_PHASE_COMMIT, ROLES) as (monitor, violations):
            await accounts.pop().stop(block=False)
            system.spawn(Coordinator).tell(Begin(accounts=tuple(accounts)))
            await until(lambda: monitor.statistics().observations == 12)
            assert monitor.finish() == ()
            assert violations == []


async def test_messages_to_others_and_of_other_types_are_none_of_its_business() -> None:
    async with ActorSystem() as system:

        def is_c(ref: ActorRef[Any]) -> bool:
            return ref.path == "/c"

        roles = {"coordinator": is_c, "participant": Account}
        with attached(system, TWO_PHASE_COMMIT, roles) as (monitor, _):
            account = system.spawn(Account)
            system.spawn(Coordinator, name="other").tell(Begin(accounts=(account,)))
            await system.spawn(Doubler).request(Ask(number=2))
            assert monitor.statistics().observations == 0


async def test_who_is_not_done_is_named_at_the_end() -> None:
    class Silent(Account):
        @handler
        def prepare(self, message: Prepare) -> None: ...

    async with ActorSystem() as system:
        account = system.spawn(Silent, name="silent")
        with attached(system, TWO_PHASE_COMMIT, ROLES) as (monitor, violations):
            system.spawn(Coordinator, name="c").tell(Begin(accounts=(account,)))
            await until(lambda: monitor.statistics().observations == 2)
            found = monitor.finish()

            assert {each.kind for each in found} == {ViolationKind.UNFINISHED}
            assert {each.path for each in violations} == {"/c", "/silent"}
            assert monitor.finish() == ()


# -- requests ------------------------------------------------------------------------------


class Doubler(Actor):
    @handler
    def ask(self, message: Ask) -> int:
        if message.number < 0:
            raise Refused("negative")
        return message.number * 2


class AsyncDoubler(Actor):
    @handler
    async def ask(self, message: Ask) -> int:
        await asyncio.sleep(0)
        return message.number * 2


class ThreadDoubler(ThreadActor):
    @handler
    def ask(self, message: Ask) -> int:
        return message.number * 2


class Client(Actor):
    def __init__(self, server: ActorRef[Any]) -> None:
        self.server = server

    @handler
    async def run(self, times: int) -> int:
        found = 0
        for number in range(times):
            found += await self.server.request(Ask(number=number))
        return found


REQUESTS = request_response(Ask, int, Refused)


@pytest.mark.parametrize("server", [Doubler, AsyncDoubler, ThreadDoubler])
@pytest.mark.parametrize("outside", [False, True])
async def test_requests_and_replies_are_seen_however_they_are_handed_over(
    server: type[Actor], outside: bool
) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(server)
        client = system.spawn(Props(Client, ref))
        roles = {"client": None if outside else client, "server": ref}
        with attached(system, REQUESTS, roles, key=by_request) as (monitor, violations):
            if outside:
                assert await ref.request(Ask(number=3)) == 6
            else:
                assert await client.request(5) == 20
            times = 1 if outside else 5
            assert monitor.statistics().observations == 4 * times
            assert monitor.statistics().conversations == times
            assert violations == []


def test_a_thread_that_asks_is_seen() -> None:
    with ActorSystem() as system:
        ref = system.spawn(Doubler)
        roles = {"client": None, "server": ref}
        with attached(system, REQUESTS, roles, key=by_request) as (monitor, violations):
            assert ref.ask(Ask(number=1)) == 2
            assert ref.ask(Ask(number=1), block=False).get(timeout=20) == 2
            with pytest.raises(Refused):
                ref.ask(Ask(number=-1))
            assert monitor.statistics().observations == 12
            assert violations == []


async def test_a_sender_that_waits_for_room_is_seen() -> None:
    props = Props(AsyncDoubler).using(mailbox=Bounded(1, Overflow.BLOCK))
    async with ActorSystem() as system:
        ref = system.spawn(props)
        with attached(system, REQUESTS, {"client": None, "server": ref}, key=by_request) as (
            monitor,
            violations,
        ):
            found = await asyncio.gather(*(ref.request(Ask(number=n)) for n in range(4)))
            assert found == [0, 2, 4, 6]
            assert monitor.statistics().observations == 16
            assert violations == []


async def test_a_stashed_message_is_received_once() -> None:
    class Stashes(Actor):
        ready = False

        @handler
        def ask(self, message: Ask) -> int:
            return message.number if self.ready else self.context.stash()

        @handler
        def go(self, message: str) -> None:
            self.ready = True
            self.context.unstash_all()

    async with ActorSystem() as system:
        ref = system.spawn(Stashes)
        with attached(system, REQUESTS, {"client": None, "server": ref}, key=by_request) as (
            monitor,
            violations,
        ):
            reply = ref.ask(Ask(number=7), block=False)
            ref.tell("go")
            assert await reply == 7
            assert monitor.statistics().observations == 4
            assert violations == []


async def test_two_requests_in_one_conversation_are_one_too_many() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Doubler)
        client = system.spawn(Props(Client, ref), name="client")
        with attached(system, REQUESTS, {"client": client, "server": ref}) as (_, violations):
            await client.request(2)
            assert [each.kind for each in violations[:1]] == ["after the end"]


async def test_a_deadline_that_passes_in_silence_is_reported() -> None:
    class Slow(Actor):
        @handler
        def ask(self, message: Ask) -> int:
            return self.context.stash()

    clock = ManualClock()
    async with ActorSystem(clock=clock) as system:
        ref = system.spawn(Slow, name="slow")
        protocol = request_with_deadline(Ask, int, seconds=2.0)
        with attached(system, protocol, {"client": None, "server": ref}) as (monitor, violations):
            ref.ask(Ask(number=1), block=False)
            await until(lambda: monitor.statistics().observations == 2)
            clock.advance(1.9)
            assert violations == []
            clock.advance(0.2)
            assert {(each.role, each.kind) for each in violations} == {
                ("client", "deadline"),
                ("server", "deadline"),
            }
            assert {each.path for each in violations} == {"/", "/slow"}


# -- installing and removing ------------------------------------------------------------------


async def test_an_actor_is_tapped_only_while_somebody_looks() -> None:
    async with ActorSystem() as system:
        ref, other = system.spawn(Account), system.spawn(Doubler)
        with attached(system, TWO_PHASE_COMMIT, ROLES) as (first, _):
            with attached(system, TWO_PHASE_COMMIT, ROLES):
                assert isinstance(ref.cell, TappedCell)
                assert type(other.cell) is Cell
            assert isinstance(ref.cell, TappedCell)
            first.detach()
        assert type(ref.cell) is Cell
        assert system.taps == ()


async def test_what_was_queued_before_is_not_seen() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Doubler)
        before = ref.ask(Ask(number=1), block=False)
        with attached(system, REQUESTS, {"client": None, "server": ref}) as (monitor, violations):
            assert await before == 2
            assert violations == []
            assert monitor.statistics().observations == 0


async def test_sampling_depends_on_the_key_alone() -> None:
    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Doubler)
        roles = {"client": None, "server": ref}
        with (
            attached(system, REQUESTS, roles, key=by_request, sample=0.5) as (half, _),
            attached(system, REQUESTS, roles, key=by_request, sample=0.5) as (same, _),
            attached(system, REQUESTS, roles, key=by_request, sample=0) as (none, _),
        ):
            for number in range(200):
                await ref.request(Ask(number=number))
            assert 60 < half.statistics().conversations < 140
            assert half.statistics() == same.statistics()
            assert none.statistics().observations == 0


async def test_only_so_many_conversations_are_remembered() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Doubler)
        roles = {"client": None, "server": ref}
        with attached(system, REQUESTS, roles, key=by_request, limit=3) as (monitor, _):
            for number in range(10):
                await ref.request(Ask(number=number))
            assert monitor.statistics().conversations == 3


async def test_a_key_that_raises_disturbs_nobody() -> None:
    def key(seen: Seen) -> int:
        raise ValueError(seen)

    async with ActorSystem() as system:
        ref = system.spawn(Doubler)
        roles = {"client": None, "server": ref}
        with attached(system, REQUESTS, roles, key=key) as (monitor, violations):
            assert await ref.request(Ask(number=2)) == 4
            assert monitor.statistics().failures == 4
            assert violations == []


def no_key(seen: Seen) -> None:
    """Follow nothing."""


async def test_a_key_of_none_is_not_looked_at() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Doubler)
        roles = {"client": None, "server": ref}
        with attached(system, REQUESTS, roles, key=no_key) as (monitor, _):
            await ref.request(Ask(number=2))
            assert monitor.statistics().observations == 0


async def test_a_subscriber_may_be_an_actor_that_is_watched_itself() -> None:
    class Hears(Account):
        def __init__(self) -> None:
            self.heard: list[str] = []

        @handler
        def violated(self, message: ProtocolViolated) -> None:
            self.heard.append(message.kind)

        @handler
        def show(self, message: str) -> list[str]:
            return self.heard

    async with ActorSystem() as system:
        ref = system.spawn(Hears)
        system.events.subscribe(ref, ProtocolViolated)
        roles = {"coordinator": None, "participant": Account}
        with Monitor(TWO_PHASE_COMMIT, roles).attach(system):
            ref.tell(Commit())
            await until(lambda: ref.cell.depth == 0 and ref.cell.idle)
            assert await ref.request("show") == ["unexpected", "unexpected"]


async def test_messages_keep_their_order_and_their_actors_while_monitored() -> None:
    kept: list[int] = []

    class Keeps(Actor):
        @handler
        def keep(self, message: int) -> None:
            kept.append(message)

    a, b = Role("a"), Role("b", serves=True)
    protocol = Protocol("numbers", roles=(a, b), order=(a >> b @ int).times(1))
    async with ActorSystem() as system:
        ref = system.spawn(Keeps)
        for number in range(50):
            ref.tell(number)
        with attached(system, protocol, {"a": None, "b": ref}, key=by_pair) as (_, violations):
            for number in range(50, 100):
                ref.tell(number)
        for number in range(100, 150):
            ref.tell(number)
        await until(lambda: len(kept) == 150)
        assert kept == list(range(150))
        assert violations == []


# -- options ---------------------------------------------------------------------------------


def test_every_role_has_players() -> None:
    with pytest.raises(UnknownRoleError) as missing:
        Monitor(TWO_PHASE_COMMIT, {"coordinator": Coordinator})
    assert missing.value.role == "participant"
    with pytest.raises(UnknownRoleError):
        Monitor(TWO_PHASE_COMMIT, {**ROLES, "bystander": None})
    with pytest.raises(OptionError):
        Monitor(TWO_PHASE_COMMIT, {**ROLES, "participant": None})


@pytest.mark.parametrize("options", [{"sample": 1.5}, {"sample": -1}, {"limit": 0}])
def test_options_are_checked(options: Any) -> None:
    with pytest.raises(OptionError):
        Monitor(TWO_PHASE_COMMIT, ROLES, **options)


def test_a_system_that_has_not_started_cannot_be_monitored() -> None:
    with pytest.raises(SystemStateError):
        Monitor(TWO_PHASE_COMMIT, ROLES).attach(ActorSystem())


async def test_what_a_lossy_channel_loses_is_no_violation() -> None:
    a, b = Role("a"), Role("b", serves=True)
    protocol = Protocol(
        "lossy",
        roles=(a, b),
        order=sequence(a >> b @ Prepare, a >> b @ Commit),
        channels=Channels(may_lose=True),
    )

    class Deaf(Actor):
        @handler
        def commit(self, message: Commit) -> None: ...

    async with ActorSystem() as system:
        ref = system.spawn(Props(Deaf).using(mailbox=Bounded(1, Overflow.DROP_OLDEST)))
        with attached(system, protocol, {"a": None, "b": ref}, key=by_pair) as (
            monitor,
            violations,
        ):
            ref.tell(Prepare(transaction=1))
            ref.tell(Commit())
            await until(lambda: monitor.statistics().observations == 3)
            assert monitor.finish() == ()
            assert violations == []
