"""What is said within a scenario, of a history or to a stand-in is checked where it is said."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, Message, OptionError, handler
from dramaturg.protocols import request_response
from dramaturg.protocols.testing import (
    Answers,
    AsyncTestProbe,
    CancelTimer,
    CustomModel,
    Delayed,
    Delivered,
    DeterministicModel,
    Line,
    MockAgent,
    Model,
    QueueModel,
    RegisterModel,
    ScenarioError,
    Script,
    ScriptedActor,
    SetTimer,
    Simulation,
    Stage,
    TestProbe,
    VectorClock,
    World,
    at_most_once,
    causal,
    conforms,
    events_in,
    exactly_once,
    explore,
    explore_all,
    explore_system,
    linearizable,
    monotonic,
    no_deadlock,
    operations,
    real_time_order,
)


class Ask(Message): ...


class Yes(Message): ...


class Answering(Actor):
    @handler
    def ask(self, _: Ask) -> Yes:
        return Yes()


class Plain:
    def on_message(self, sender: str, message: object) -> None: ...


class Odd(Plain):
    durable = "ab"


ASKING = request_response(Ask, Yes)
PLAYERS: Any = {"client": "a", "server": "b"}
SYSTEM_PLAYERS: Any = {"client": None, "server": Answering}
CLIENT = ASKING.role("client")

Make = Callable[[], object]


async def awaited() -> bool:
    return False


def any_of(make: Any) -> Any:
    """Let types be no matter: it is what the tests are about."""
    return make


def in_world(declare: Callable[[Any], object]) -> Make:
    def scenario(world: World) -> None:
        world.add("a", Plain())
        world.add("b", Plain())
        declare(world)

    return lambda: explore(scenario)


def in_simulation(declare: Callable[[Any], Any]) -> Make:
    async def scenario(sim: Simulation) -> None:
        sim.system.spawn(Answering, name="s")
        made = declare(sim)
        if made is not None:
            await made

    return lambda: explore_system(scenario)


def on_stage(do: Callable[[Any], object]) -> Make:
    def made() -> None:
        with Stage() as stage:
            do(stage)

    return made


def probed(do: Callable[[Any], object]) -> Make:
    return on_stage(lambda stage: do(TestProbe(stage.system)))


def model(**options: Any) -> Make:
    given: dict[str, Any] = {"actors": {"a": Plain(), "b": Plain()}, **options}
    return lambda: explore_all(Model(**given))


def followed(where: Callable[..., Make], players: Any, **options: Any) -> Make:
    given: dict[str, Any] = {"protocol": ASKING, "roles": players, **options}

    def declare(run: Any) -> None:
        conforms(run, **given)

    return where(declare)


def looks_at(name: Any) -> Callable[[Any], object]:
    def check(view: Any) -> object:
        return view[name]

    return check


def is_up(view: Any) -> object:
    return view.up("c")


THINGS: dict[str, tuple[Make, str, str]] = {
    # what is done: the thing that is named, and what was expected
    "conforms of a text": (followed(in_world, PLAYERS, protocol="P"), "protocol='P'", "a Protocol"),
    "conforms of an order": (
        followed(in_simulation, SYSTEM_PLAYERS, protocol=ASKING.order),
        "protocol=Sequence(",
        "a Protocol",
    ),
    "conforms where": (lambda: conforms(any_of("sim"), ASKING, {}), "where='sim'", "a Simulation"),
    "roles is a list": (followed(in_world, ["client"]), "roles=['client']", "a dict"),
    "roles of a system": (followed(in_simulation, ["client"]), "roles=['client']", "a dict"),
    "key is a number": (followed(in_world, PLAYERS, key=5), "key=5", "a function"),
    "key is 0": (followed(in_simulation, SYSTEM_PLAYERS, key=0), "key=0", "a function"),
    "may_crash is a text": (
        followed(in_world, PLAYERS, may_crash="client"),
        "may_crash='client'",
        "a list or tuple of roles",
    ),
    "may_crash is a role": (followed(in_world, PLAYERS, may_crash=CLIENT), "may_crash=", "a list"),
    "finishes is a text": (followed(in_world, PLAYERS, finishes="no"), "finishes='no'", "a bool"),
    "deadlock of a number": (lambda: no_deadlock(any_of(5)), "sim=5", "a Simulation"),
    "deadlock of a world": (in_world(no_deadlock), "sim=<", "a Simulation"),
    "may_wait is a text": (
        in_simulation(lambda sim: no_deadlock(sim, may_wait="/s")),
        "may_wait='/s'",
        "a list or tuple of texts",
    ),
    "a node with a line": (in_simulation(lambda sim: sim.node("a\nb", print)), r"a\nb", "a word"),
    "a node with a blank": (in_simulation(lambda sim: sim.node("a b", print)), "a b", "a word"),
    "a node of a number": (in_simulation(lambda sim: sim.node(5, print)), "node(5)", "a word"),
    "a node of no parameter": (
        in_simulation(lambda sim: sim.node("a", awaited)),
        "node('a', <function",
        "takes the node",
    ),
    "an actor with a blank": (in_world(lambda world: world.add("a b", Plain())), "a b", "blanks"),
    "an actor with a line": (in_world(lambda world: world.add("a\nb", Plain())), r"a\nb", "word"),
    "an actor's class": (in_world(lambda world: world.add("c", Plain)), "c", "Plain(...)"),
    "durable is a text": (in_world(lambda world: world.add("c", Odd())), "c.durable='ab'", "list"),
    "a sender of a number": (in_world(lambda world: world.send(5, "a", 1)), "send(5)", "a word"),
    "a receiver of None": (in_world(lambda world: world.send("u", None, 1)), "u", "one of a, b"),
    "a receiver of a list": (in_world(lambda world: world.send("u", [], 1)), "u", "one of a, b"),
    "a check is a number": (in_world(lambda world: world.always(5)), "always(5)", "of the view"),
    "a check is awaited": (in_world(lambda world: world.always(awaited)), "always(<", "`def`"),
    "a cause of None": (in_world(lambda world: world.leads_to(None, any)), "leads_to(None)", "def"),
    "a name is a number": (in_world(lambda world: world.always(any, 5)), "name=5", "a text"),
    "within a text": (
        in_world(lambda world: world.eventually(any, within="5")),
        "eventually(within='5')",
        "above 0",
    ),
    "view of nobody": (in_world(lambda world: world.always(looks_at("c"))), "'c'", "a, b"),
    "view of a list": (in_world(lambda world: world.always(looks_at([]))), "[]", "a, b"),
    "nobody is up": (in_world(lambda world: world.always(is_up)), "up", "a, b"),
    "view without a slash": (
        in_simulation(lambda sim: sim.at_rest(looks_at("s"))),
        "view['s']",
        "there are /s",
    ),
    "view of a number": (
        in_simulation(lambda sim: sim.at_rest(looks_at(5))),
        "view[5]",
        "with a slash",
    ),
    "a model's actors": (model(actors=[Plain()]), "actors=[", "a dict"),
    "a model's name": (model(actors={"a b": Plain()}), "a b", "a word"),
    "a model's messages": (model(sent=[("a", "b")]), "sent=[", "(sender, receiver, message)"),
    "a model's check": (model(always=any), "always=<built-in", "a dict"),
    "a model's check of a number": (model(always={5: any}), "5 (", "a text for its name"),
    "a model's history": (model(history=5), "history=5", "a function"),
    "a model's symmetry": (model(symmetric=["ab"]), "symmetric='ab'", "groups"),
    "a timer of a number": (lambda: SetTimer(any_of(5)), "SetTimer(5", "a text"),
    "a timer after a text": (lambda: SetTimer("a", after=any_of("1")), "after='1'", "seconds"),
    "a timer called off": (lambda: CancelTimer(any_of(5)), "CancelTimer(5)", "a text"),
    "a history of a number": (
        lambda: linearizable(any_of(5), RegisterModel()),
        "history=5",
        "list",
    ),
    "operations of None": (lambda: operations(any_of(None)), "history=None", "list"),
    "events in a number": (lambda: events_in(any_of(5)), "notes=5", "list"),
    "an order of a number": (lambda: real_time_order(any_of(5)), "notes=5", "list"),
    "effects of a number": (lambda: at_most_once(any_of(5)), "effects=5", "list"),
    "nothing expected": (lambda: exactly_once([1], expected=any_of(None)), "expected=None", "list"),
    "a key of effects": (
        lambda: exactly_once([1], expected=[], key=any_of(5)),
        "key=5",
        "function",
    ),
    "values of two types": (lambda: monotonic([1, "x"]), "1, 'x'", "key="),
    "per a number": (lambda: monotonic([1], per=any_of(5)), "per=5", "a function"),
    "deliveries of a number": (lambda: causal(any_of(5)), "deliveries=5", "list"),
    "a delivery's clock": (lambda: causal([Delivered("a", 1, any_of(5))]), "Delivered(", "Vector"),
    "a clock of a number": (lambda: VectorClock(any_of(5)), "counts=5", "a dict"),
    "a clock of a bool": (lambda: VectorClock({"a": True}), "'a': True", "at least 0"),
    "merged with a number": (lambda: VectorClock().merged(any_of(5)), "other=5", "a VectorClock"),
    "a step of a number": (lambda: CustomModel(0, any_of(5)), "step=5", "a function"),
    "observers are a text": (
        lambda: DeterministicModel(0, any_of(max), "read"),
        "='read'",
        "texts",
    ),
    "a queue of a number": (lambda: QueueModel(any_of(5)), "init=5", "a tuple"),
}


@pytest.mark.parametrize("case", THINGS)
def test_what_cannot_be_used_is_named(case: str) -> None:
    make, thing, expected = THINGS[case]

    with pytest.raises(ScenarioError) as raised:
        make()

    assert thing in raised.value.thing
    assert expected in raised.value.expected


OPTIONS: dict[str, tuple[Make, str]] = {
    "probe of a text": (lambda: TestProbe(any_of("x")), "system"),
    "probe of a stage": (on_stage(any_of(TestProbe)), "system"),
    "probe of the loop": (lambda: AsyncTestProbe(any_of(None)), "system"),
    "within a text": (probed(lambda probe: probe.expect_message(within="5")), "within"),
    "within a bool": (probed(lambda probe: probe.expect_no_message(within=True)), "within"),
    "fish a number": (probed(lambda probe: probe.fish(5)), "wanted"),
    "receive a text": (probed(lambda probe: probe.receive_n("2")), "count"),
    "receive less than none": (probed(lambda probe: probe.receive_n(-1)), "count"),
    "the end of a number": (probed(lambda probe: probe.expect_terminated(5)), "ref"),
    "watch None": (probed(lambda probe: probe.watch(None)), "ref"),
    "tell a path": (probed(lambda probe: probe.tell("/s", 1)), "ref"),
    "fail with a text": (probed(lambda probe: probe.fail("no")), "error"),
    "advance by a text": (on_stage(lambda stage: stage.clock.advance("5")), "seconds"),
    "advance by nan": (on_stage(lambda stage: stage.clock.advance(math.nan)), "seconds"),
    "script of a text": (lambda: Script(any_of("x")), "line"),
    "script of a list": (lambda: Script(any_of([Line(Ask)])), "line"),
    "sends a pair": (lambda: Line(Ask, sends=any_of(("a", "b"))), "sends"),
    "sends to a path": (lambda: Line(Ask, sends=any_of([("/s", 1)])), "sends"),
    "raises a text": (lambda: Line(Ask, raises=any_of("no")), "raises"),
    "plays a number": (lambda: ScriptedActor(any_of(5)), "script"),
    "answers are a list": (lambda: Answers(any_of([Ask])), "by_type"),
    "answers are None": (lambda: Answers(any_of(None)), "by_type"),
    "mocks a number": (lambda: MockAgent(any_of({})), "answers"),
    "calls of a number": (lambda: Answers({}).calls_of(any_of(5)), "message"),
    "delayed by a text": (lambda: Delayed(any_of("1")), "seconds"),
    "delayed for ever": (lambda: Delayed(math.inf), "seconds"),
    "a player is a number": (followed(in_world, {**PLAYERS, "client": 5}), "roles['client']"),
    "a player is None": (followed(in_world, {**PLAYERS, "client": None}), "roles['client']"),
    "a player is a class": (followed(in_world, {**PLAYERS, "client": Plain}), "roles['client']"),
    "a player has no name": (followed(in_world, {**PLAYERS, "client": ""}), "roles['client']"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_cannot_be_is_named(case: str) -> None:
    make, option = OPTIONS[case]

    with pytest.raises(OptionError) as raised:
        make()

    assert raised.value.option == option
