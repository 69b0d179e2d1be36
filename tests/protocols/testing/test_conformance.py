"""Conformance as a property: of real actors in a simulation, and of plain ones in a world."""

from dataclasses import dataclass
from typing import Any

import pytest

from dramaturg.actors import Actor, Directive, OptionError, handler
from dramaturg.protocols import (
    Channels,
    Protocol,
    Role,
    Seen,
    UnknownRoleError,
    request_response,
    request_with_deadline,
    sequence,
)
from dramaturg.protocols.testing import (
    Faults,
    Output,
    ScenarioError,
    SetTimer,
    Simulation,
    Verdict,
    World,
    conforms,
    explore,
    explore_system,
)
from tests.protocols.monitor_kit import (
    COORDINATOR,
    PARTICIPANT,
    TWO_PHASE_COMMIT,
    Account,
    Begin,
    Commit,
    Coordinator,
    Prepare,
)

# Of what is found it matters here that it is found, not how short it becomes.
pytestmark = pytest.mark.usefixtures("brief_shrinking")


@dataclass(frozen=True)
class Asking:
    number: int


@dataclass(frozen=True)
class Answering:
    number: int


ONE_ANSWER = request_response(Asking, Answering)
ROLES: Any = {COORDINATOR: Coordinator, PARTICIPANT: Account}


def property_of(verdict: Verdict) -> str:
    assert verdict.failure is not None, str(verdict)
    return verdict.failure.property


def detail_of(verdict: Verdict) -> str:
    assert verdict.failure is not None
    return verdict.failure.detail


# -- real actors ---------------------------------------------------------------------------


class SlowToStart(Account):
    """Has an ``on_start``: it is sent messages before it has started."""

    def on_start(self) -> None:
        self.started = True


def two_accounts(
    sim: Simulation, *, skip: int = 0, account: type[Account] = Account, **options: Any
) -> None:
    """Let a coordinator commit, which asks for the votes of all but ``skip``."""
    conforms(sim, TWO_PHASE_COMMIT, ROLES, **options)
    accounts = tuple(sim.system.spawn(account, name=name) for name in ("a", "b"))
    coordinator = sim.system.spawn(Coordinator, name="c")
    coordinator.tell(Begin(accounts=accounts, skip=skip))


def test_who_keeps_to_the_protocol_conforms_in_every_order() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim)

    explore_system(scenario, schedules=100, any_sender_first=True).check()


def test_what_is_sent_before_an_actor_has_started_is_seen() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, account=SlowToStart)

    explore_system(scenario, schedules=100, any_sender_first=True).check()


def test_a_message_that_the_protocol_forbids_breaks_the_property() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, skip=1)

    verdict = explore_system(scenario, schedules=50)

    assert property_of(verdict) == "always conforms to two_phase_commit"
    assert detail_of(verdict) in {
        f"coordinator /c: unexpected !to participant[/a] Commit;"
        f" expected ?from participant[{late}] Vote"
        for late in ("/a", "/b")
    }
    assert verdict.failure is not None
    assert len(verdict.failure.schedule) <= 4


def test_who_is_not_done_at_rest_breaks_the_property() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, skip=-1)

    verdict = explore_system(scenario, schedules=5)

    assert property_of(verdict) == "at_rest conforms to two_phase_commit"
    assert "coordinator /c: unfinished; expected" in detail_of(verdict)


def test_who_need_not_be_done_may_stop_halfway() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, skip=-1, finishes=False)

    explore_system(scenario, schedules=5).check()


class Revived(Account):
    policy = Directive.RESTART


def test_a_crash_that_was_not_declared_leaves_somebody_undone() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, account=Revived)

    verdict = explore_system(scenario, schedules=200, faults=Faults(crashes={"/c": 1}))

    assert property_of(verdict) == "at_rest conforms to two_phase_commit"


def test_conversations_of_one_that_may_crash_are_not_judged_further() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, account=Revived, may_crash=[COORDINATOR, "participant"])

    faults = Faults(crashes={"/c": 1, "/a": 1})
    explore_system(scenario, schedules=200, faults=faults).check()


def test_a_later_conversation_of_one_that_has_crashed_is_judged() -> None:
    class RevivedCoordinator(Coordinator):
        policy = Directive.RESTART

    async def scenario(sim: Simulation) -> None:
        conforms(sim, TWO_PHASE_COMMIT, ROLES, may_crash=["coordinator"])
        accounts = tuple(sim.system.spawn(Account, name=name) for name in ("a", "b"))
        coordinator = sim.system.spawn(RevivedCoordinator, name="c")
        for skip in (0, 1):
            coordinator.tell(Begin(accounts=accounts, skip=skip))

    verdict = explore_system(scenario, schedules=300, faults=Faults(crashes={"/c": 1}))

    assert property_of(verdict) == "always conforms to two_phase_commit"


def test_a_deadline_of_the_protocol_passes_in_virtual_time() -> None:
    timely = request_with_deadline(Asking, Answering, seconds=2.0)

    class Silent(Actor):
        @handler
        def ask(self, message: Asking) -> None: ...

    class Client(Actor):
        @handler
        def begin(self, message: int) -> None:
            ref = self.context.lookup("/server")
            assert ref is not None
            ref.tell(Asking(number=message))

    async def scenario(sim: Simulation) -> None:
        conforms(sim, timely, {"client": Client, "server": Silent})
        sim.system.spawn(Silent, name="server")
        sim.system.spawn(Client, name="client").tell(1)

    verdict = explore_system(scenario, schedules=5)

    assert property_of(verdict) == "always conforms to request_with_deadline"
    assert detail_of(verdict) == "client /client: deadline; expected ?from server Answering"


def test_a_simulation_without_messages_of_the_protocol_does_not_pass() -> None:
    async def scenario(sim: Simulation) -> None:
        conforms(sim, TWO_PHASE_COMMIT, ROLES)

    verdict = explore_system(scenario, schedules=3)

    assert verdict.outcome == "fail"
    assert verdict.never == ("sometimes has messages of two_phase_commit",)


def test_the_same_schedule_finds_the_same_violation() -> None:
    async def scenario(sim: Simulation) -> None:
        two_accounts(sim, skip=1)

    texts = {str(explore_system(scenario, schedules=50, seed=7)) for _ in range(2)}
    assert len(texts) == 1


# -- plain actors ------------------------------------------------------------------------


class Server:
    """Answers each request so many times."""

    def __init__(self, times: int = 1) -> None:
        self.times = times

    def on_message(self, sender: str, message: Any) -> list[Output]:
        if not isinstance(message, Asking):
            return []
        return [(sender, Answering(number=1))] * self.times


class Client:
    def on_start(self) -> list[Output]:
        return [("server", Asking(number=1)), ("server", "a word of no type that is declared")]

    def on_message(self, sender: str, message: Any) -> None: ...


def served(world: World, times: int, **options: Any) -> None:
    conforms(world, ONE_ANSWER, {"client": "client", "server": ["server"]}, **options)
    world.add("client", Client())
    world.add("server", Server(times))


def test_plain_actors_that_keep_to_the_protocol_conform() -> None:
    explore(lambda world: served(world, 1), schedules=50).check()


def test_a_second_answer_is_forbidden() -> None:
    verdict = explore(lambda world: served(world, 2), schedules=50)

    assert property_of(verdict) == "always conforms to request_response"
    assert detail_of(verdict) == "server: after the end !to client Answering; expected nothing"


def test_a_message_that_the_network_has_lost_leaves_somebody_undone() -> None:
    verdict = explore(lambda world: served(world, 1), faults=Faults(drops=1), schedules=50)

    assert property_of(verdict) == "at_rest conforms to request_response"


def test_what_the_channels_may_do_is_no_violation() -> None:
    a, b = Role("a"), Role("b", serves=True)
    lossy = Protocol(
        "lossy",
        roles=(a, b),
        order=sequence(a >> b @ Asking),
        channels=Channels(may_lose=True, may_duplicate=True),
    )

    def scenario(world: World) -> None:
        conforms(world, lossy, {a: "client", b: "server"})
        world.add("client", Client())
        world.add("server", Server(0))

    explore(scenario, faults=Faults(drops=1, duplicates=1), schedules=100).check()


class Many:
    """Asks twice; conversations are told apart by the number."""

    def on_start(self) -> list[Output]:
        return [
            ("server", Asking(number=1)),
            ("server", Asking(number=2)),
            SetTimer("again", after=1),
        ]

    def on_timer(self, name: str) -> list[Output]:
        return [("server", Asking(number=3))]

    def on_message(self, sender: str, message: Any) -> None: ...


class Echo:
    def on_message(self, sender: str, message: Any) -> list[Output]:
        return [(sender, Answering(number=message.number))]


def by_number(seen: Seen) -> object:
    number: int = seen.message.number
    return number


def by_nothing(seen: Seen) -> None:
    """Look at no message."""


def test_conversations_of_plain_actors_are_told_apart_by_a_key() -> None:
    def scenario(world: World, *, told_apart: bool = True) -> None:
        options: Any = {"key": by_number} if told_apart else {}
        conforms(world, ONE_ANSWER, {"client": "client", "server": "server"}, **options)
        world.add("client", Many())
        world.add("server", Echo())

    explore(scenario, schedules=50).check()
    assert not explore(lambda world: scenario(world, told_apart=False), schedules=5).passed


def test_a_message_whose_key_is_none_is_not_looked_at() -> None:
    def scenario(world: World) -> None:
        served(world, 2, key=by_nothing)

    assert explore(scenario, schedules=5).never


class PlainCoordinator:
    def __init__(self, wait_for: int) -> None:
        self.left = wait_for

    def on_start(self) -> list[Output]:
        return [(name, Prepare(transaction=1)) for name in ("p1", "p2")]

    def on_message(self, sender: str, message: Any) -> list[Output]:
        self.left -= 1
        return [(name, Commit()) for name in ("p1", "p2")] if self.left == 0 else []


class PlainParticipant:
    durable = ()

    def on_message(self, sender: str, message: Any) -> list[Output]:
        vote = TWO_PHASE_COMMIT.messages[1]
        return [(sender, vote())] if isinstance(message, Prepare) else []


@pytest.mark.parametrize("wait_for", [1, 2])
def test_members_of_a_role_are_followed_each_by_itself(wait_for: int) -> None:
    def scenario(world: World) -> None:
        conforms(world, TWO_PHASE_COMMIT, {"coordinator": "c", "participant": ("p1", "p2")})
        world.add("c", PlainCoordinator(wait_for))
        for name in ("p1", "p2"):
            world.add(name, PlainParticipant())

    verdict = explore(scenario, schedules=50)
    assert verdict.passed is (wait_for == 2)
    if wait_for == 1:
        assert detail_of(verdict).startswith("coordinator: unexpected !to participant[p")


@pytest.mark.parametrize("declared", [False, True])
def test_a_crash_of_a_plain_actor_may_be_declared(declared: bool) -> None:
    def scenario(world: World) -> None:
        roles = {"coordinator": "c", "participant": ("p1", "p2")}
        may_crash = ["participant"] if declared else []
        conforms(world, TWO_PHASE_COMMIT, roles, may_crash=may_crash)
        world.add("c", PlainCoordinator(2))
        for name in ("p1", "p2"):
            world.add(name, PlainParticipant())

    faults = Faults(crashes={"p": 1}, lost_with_crash=True)
    verdict = explore(scenario, faults=faults, schedules=200)

    assert verdict.passed is declared


def test_a_world_without_messages_of_the_protocol_does_not_pass() -> None:
    def scenario(world: World) -> None:
        conforms(world, ONE_ANSWER, {"client": "client", "server": "server"})
        world.add("client", Server())

    verdict = explore(scenario, schedules=3)

    assert verdict.outcome == "fail"
    assert verdict.never == ("sometimes has messages of request_response",)


# -- bad input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "error"),
    [
        ({"client": "c"}, UnknownRoleError),
        ({"client": "c", "server": "s", "other": "o"}, UnknownRoleError),
        ({"client": ("c", "d"), "server": "s"}, OptionError),
        ({"client": (), "server": "s"}, OptionError),
    ],
)
def test_players_that_cannot_be_are_refused(roles: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        conforms(World(), ONE_ANSWER, roles)


def test_a_role_that_may_crash_has_to_exist() -> None:
    roles = {"client": "c", "server": "s"}
    with pytest.raises(UnknownRoleError):
        conforms(World(), ONE_ANSWER, roles, may_crash=["nobody"])


def test_a_protocol_is_declared_once() -> None:
    world = World()
    roles = {"client": "c", "server": "s"}
    conforms(world, ONE_ANSWER, roles)
    with pytest.raises(ScenarioError):
        conforms(world, ONE_ANSWER, roles)
