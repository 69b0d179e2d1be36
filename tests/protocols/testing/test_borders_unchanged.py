"""What was refused has changed nothing; and what a text says that nobody asked for in vain."""

from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, Message, OptionError, handler
from dramaturg.protocols import ProtocolError, UnknownRoleError, request_response
from dramaturg.protocols.testing import (
    CounterModel,
    HistoryError,
    Invoked,
    Returned,
    ScenarioError,
    SetModel,
    Simulation,
    Stage,
    TestProbe,
    World,
    conforms,
    conversations,
    explore_system,
    illegal_next,
    legal_next,
    messages_of,
    operations,
)


class Ask(Message): ...


class Yes(Message): ...


class Answering(Actor):
    @handler
    def ask(self, _: Ask) -> Yes:
        return Yes()


class Plain:
    def on_message(self, sender: str, message: object) -> None: ...


ASKING = request_response(Ask, Yes)


def of_two() -> Any:
    world = World()
    world.add("a", Plain())
    world.add("b", Plain())
    return world


def test_a_world_is_as_it_was() -> None:
    world = of_two()

    for refused in (
        lambda: world.add("a b", Plain()),
        lambda: world.add("c", Plain),
        lambda: world.send(5, "a", 1),
        lambda: world.send("u", None, 1),
        lambda: world.always(5),
        lambda: world.always(any, 5),
        lambda: world.eventually(any, within="5"),
        lambda: world.leads_to(None, any),
        lambda: conforms(world, ASKING, {"client": "a", "server": "b"}, key=any_of(5)),
        lambda: conforms(world, ASKING, {"client": "a", "server": "b"}, may_crash="client"),
    ):
        with pytest.raises(ScenarioError):
            refused()

    assert list(world.actors) == ["a", "b"]
    assert not world.flights.all
    assert world.properties.names == []


def any_of(value: Any) -> Any:
    """Let types be no matter: it is what the tests are about."""
    return value


def test_messages_wait_for_the_right_question() -> None:
    with Stage() as stage:
        probe: Any = TestProbe(stage.system)
        probe.ref.tell(1)
        with pytest.raises(OptionError):
            probe.expect_message(within="1")
        with pytest.raises(OptionError):
            probe.receive_n("1")
        with pytest.raises(OptionError):
            probe.fish(5)
        with pytest.raises(OptionError):
            probe.expect_terminated(5)
        assert probe.waiting == (1,)


def test_a_node_that_was_refused_is_not_there() -> None:
    seen: list[tuple[str, ...]] = []

    async def scenario(sim: Any) -> None:
        for name in ("a\nb", "a b", 5, "", "a" * 3 + "\0"):
            with pytest.raises(ScenarioError, match="no name"):
                await sim.node(name, print)
        seen.append(tuple(sim.nodes.all))

    assert explore_system(scenario, schedules=1).passed
    assert set(seen) == {()}


def test_a_role_without_players_is_told_by_who_was_asked() -> None:
    with pytest.raises(UnknownRoleError) as raised:
        conforms(of_two(), ASKING, {"client": "a"})

    said = str(raised.value)
    assert said.startswith("conforms(roles=...): nobody is said to play 'server'; players")

    async def scenario(sim: Simulation) -> None:
        conforms(sim, ASKING, {"client": None})

    assert said in str(explore_system(scenario, schedules=1))


def test_a_check_that_finds_nobody_is_told_who_lives() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Answering, name="store")
        sim.at_rest(lambda view: view["/stores"].stock == 0, "sold")

    verdict = explore_system(scenario, schedules=1)

    assert verdict.failure is not None
    assert verdict.failure.detail.endswith("; nobody is up at /stores, there are /store")


def test_an_error_of_the_check_itself_is_told_alone() -> None:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Answering, name="store")
        sim.at_rest(lambda view: view["/stores"] is None and 1 // 0, "sold")

    verdict = explore_system(scenario, schedules=1)

    assert verdict.failure is not None
    assert "nobody" not in verdict.failure.detail


def test_a_time_of_a_history_has_to_be_one() -> None:
    with pytest.raises(HistoryError, match="'noon' is no time"):
        operations([Invoked("a", "read", at=any_of("noon")), Returned("a", at=1.0)])


DRAWN: dict[str, tuple[Callable[[], object], str, str]] = {
    "a counter of a text": (lambda: CounterModel("0"), "init='0'", "a number"),
    "a set of a number": (lambda: SetModel(any_of(5)), "init=5", "a set"),
    "messages of a message": (lambda: messages_of(any_of(Ask())), "message=Ask()", "a type"),
    "talks of a number": (lambda: conversations(any_of(5)), "protocol=5", "a Protocol"),
    "talks of a length": (lambda: conversations(ASKING, max_size=any_of("9")), "max_size", "at l"),
    "steps of a protocol": (lambda: legal_next(any_of(ASKING), 0), "automaton=", "project"),
    "missteps of a number": (lambda: illegal_next(any_of(5), 0), "automaton=5", "project"),
}


@pytest.mark.parametrize("case", DRAWN)
def test_what_nothing_can_be_drawn_from_or_begun_with_is_named(case: str) -> None:
    make, thing, expected = DRAWN[case]

    with pytest.raises(ScenarioError) as raised:
        make()

    assert thing in raised.value.thing
    assert expected in raised.value.expected


def test_a_state_that_an_automaton_has_not_is_refused() -> None:
    with pytest.raises(OptionError, match="state=99"):
        legal_next(ASKING.project("client"), 99)


def test_members_of_a_role_that_has_one_are_refused() -> None:
    with pytest.raises(ProtocolError, match="has one member only"):
        conversations(ASKING, members={"client": 2})
