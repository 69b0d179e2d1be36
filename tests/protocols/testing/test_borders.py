"""What is no scenario, option, actor or check is refused where it comes in, and named."""

import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import Actor, Message, Props, handler
from dramaturg.protocols import (
    Protocol,
    Role,
    each,
    request_response,
)
from dramaturg.protocols.testing import (
    Faults,
    Model,
    Outside,
    ScenarioError,
    Simulation,
    Stage,
    Stepper,
    World,
    explore,
    explore_actor,
    explore_all,
    explore_system,
    from_token,
    replay,
    replay_actor,
    replay_incident,
    replay_system,
    simulate,
    simulation_of,
    to_token,
)

Make = Callable[[], object]


class Ask(Message): ...


class Yes(Message): ...


class Answering(Actor):
    @handler
    def ask(self, _: Ask) -> Yes:
        return Yes()


class Plain:
    def on_message(self, sender: str, message: object) -> None: ...


ASKING = request_response(Ask, Yes)
CLIENT, MANY = Role("client"), Role("many", many=True, serves=True)
ALL_ASKED = Protocol("all_asked", roles=(CLIENT, MANY), order=each(MANY, CLIENT >> MANY @ Ask))


async def calm(sim: Simulation) -> None:
    sim.system.spawn(Answering, name="s").tell(Ask())


async def nothing_taken() -> None: ...


async def two_taken(sim: Simulation, other: object) -> None: ...


def filled(world: World) -> None:
    world.add("a", Plain())
    world.add("b", Plain())


def takes_sim(sim: Any) -> None: ...


def takes_none() -> None: ...


def takes_two(one: object, other: object) -> None: ...


def takes_one(_: object) -> int:
    return 5


def asks_for_the_clerk(peers: Any) -> Props[Any]:
    return Props(Answering, peers["clerk"])


def system(scenario: Any = calm, **options: Any) -> Make:
    return lambda: explore_system(scenario, **options)


def plain(scenario: Any = filled, **options: Any) -> Make:
    return lambda: explore(scenario, **options)


def actor(actor: Any = Answering, protocol: Any = ASKING, **options: Any) -> Make:
    given: dict[str, Any] = {"role": "server", **options}
    return lambda: explore_actor(actor, protocol, **given)


def model(**options: Any) -> Make:
    given: dict[str, Any] = {"actors": {"a": Plain(), "b": Plain()}, **options}
    return lambda: Model(**given)


def stepped(do: Callable[[Any], object]) -> Make:
    def made() -> None:
        with Stepper(calm) as run:
            do(run)

    return made


def incident(setup: Any = calm, **options: Any) -> Make:
    return lambda: replay_incident(setup, **options)


def any_of(make: Any) -> Any:
    """Let types be no matter: it is what the tests are about."""
    return make


SCENARIOS: dict[str, tuple[Make, str, str]] = {
    "explore of a number": (plain(5), "5", "World"),
    "explore of a text": (plain("x"), "'x'", "World"),
    "explore of `async def`": (plain(calm), "calm", "explore_system"),
    "explore of no parameter": (plain(takes_none), "takes_none", "World"),
    "explore of two": (plain(takes_two), "takes_two", "World"),
    "explore of a sim": (plain(takes_sim), "takes_sim", "`async def`"),
    "explore of a class": (plain(Plain), "Plain", "World"),
    "explore_system of `def`": (system(filled), "filled", "`def` is for explore"),
    "explore_system of a coroutine": (system(math), "<module", "Simulation"),
    "explore_system of no parameter": (system(nothing_taken), "nothing_taken", "Simulation"),
    "explore_system of two": (system(two_taken), "two_taken", "Simulation"),
    "explore_all of a function": (lambda: explore_all(any_of(filled)), "model=", "a Model"),
    "explore_all of the class": (lambda: explore_all(any_of(Model)), "model=", "a Model"),
    "stepper of a number": (lambda: Stepper(any_of(5)), "5", "Simulation"),
    "stepper of no parameter": (lambda: Stepper(takes_none), "takes_none", "World"),
    "simulation_of a number": (lambda: simulation_of(any_of(5)), "5", "Simulation"),
    "simulation_of a sim": (lambda: simulation_of(takes_sim), "takes_sim", "`async def`"),
    "simulate a sim": (lambda: simulate(takes_sim), "takes_sim", "`async def` for the sim"),
    "simulate a number": (lambda: simulate(any_of(5)), "5", "@simulate"),
    "simulation of `def`": (lambda: Simulation(any_of(filled)), "filled", "`async def`"),
    "replay of a number": (lambda: replay(any_of(5), []), "5", "World"),
    "replay turned around": (lambda: replay_system(any_of("v1:"), any_of(calm)), "v1:", "Simul"),
    "incident of a number": (incident(5), "5", "Simulation"),
    "incident of no parameter": (incident(takes_none), "takes_none", "Simulation"),
}

OPTIONS: dict[str, tuple[Make, str, str]] = {
    "seed is a text": (system(seed="5"), "seed='5'", "an int"),
    "seed is a list": (plain(seed=[]), "seed=[]", "an int"),
    "seed is nan": (system(seed=math.nan), "seed=nan", "an int"),
    "a simulation's seed": (lambda: Simulation(calm, seed=any_of(None)), "seed=None", "an int"),
    "a stage's seed": (lambda: Stage(seed=any_of("x")), "seed='x'", "an int"),
    "a stage's failures": (lambda: Stage(failures=any_of(())), "failures=()", "a list"),
    "schedules is a text": (plain(schedules="5"), "schedules='5'", "at least 1"),
    "schedules is a bool": (system(schedules=True), "schedules=True", "at least 1"),
    "events is inf": (system(events=math.inf), "events=inf", "at least 1"),
    "allow is None": (system(allow=None), "allow=None", "('clock',)"),
    "allow is a text": (system(allow="clock"), "allow='clock'", "('clock',)"),
    "allow of a list": (system(allow=[[]]), "allow=[[]]", "('clock',)"),
    "horizon is nan": (system(horizon=math.nan), "horizon=nan", "seconds"),
    "horizon is a text": (actor(horizon="5"), "horizon='5'", "seconds"),
    "exhaustive is None": (system(exhaustive=None), "exhaustive=None", "a bool"),
    "any sender is a text": (system(any_sender_first="no"), "any_sender_first='no'", "a bool"),
    "faults is None": (plain(faults=None), "faults=None", "Faults(...)"),
    "faults is the class": (system(faults=Faults), "faults=<class", "Faults(...)"),
    "network is a text": (plain(network="fifo"), "network='fifo'", "Network.FIFO"),
    "free timers is a text": (plain(free_timers="no"), "free_timers='no'", "a bool"),
    "a world's faults": (lambda: World(faults=any_of(5)), "faults=5", "Faults(...)"),
    "a replay's faults": (lambda: replay_system(calm, [], faults=any_of(5)), "faults=5", "Fau"),
    "simulate's schedules": (lambda: simulate(schedules="5")(calm), "schedules='5'", "at least 1"),
    "simulation_of's seed": (lambda: simulation_of(calm, seed="5"), "seed='5'", "an int"),
    "stepper's horizon": (lambda: Stepper(filled, horizon=1), "Stepper(horizon", "network"),
    "stepper's seed": (lambda: Stepper(calm, seed="x"), "seed='x'", "an int"),
    "max_states is a text": (
        lambda: explore_all(any_of(model()()), max_states=any_of("5")),
        "max_states='5'",
        "at least 1",
    ),
    "max_depth is nan": (
        lambda: explore_all(any_of(model()()), max_depth=any_of(math.nan)),
        "max_depth=nan",
        "or None",
    ),
    "crashes is a list": (lambda: Faults(crashes=any_of(["/s"])), "(crashes=['/s'])", "{'/store'"),
    "crashes is a bool": (lambda: Faults(crashes=True), "(crashes=True)", "at least 0"),
    "crashes of an actor": (lambda: Faults(crashes=any_of({Plain: 1})), "(crashes=", "each name"),
    "drops by name": (lambda: Faults(drops=any_of({"a": 1})), "(drops=", "at least 0"),
    "lost is a number": (lambda: Faults(lost_with_crash=any_of(5)), "(lost_with_crash", "a bool"),
    "incident's outside": (incident(outside=5), "outside=5", "Outside"),
    "incident's text": (incident(outside="x"), "outside='x'", "Outside"),
    "incident's path": (incident(outside=[(0, 5, Ask())]), "outside=[(0, 5", "Outside"),
    "incident's time": (incident(outside=[("0", "/s", Ask())]), "outside at '0'", "0 or more"),
    "incident's deadline": (
        incident(outside=[Outside(0, "/s", Ask(), timeout=any_of("1"))]),
        "outside=[",
        "Outside",
    ),
    "incident's schedule": (incident(schedule="deliver"), "schedule='deliver'", "list"),
    "incident's check": (incident(at_rest=5), "at_rest=5", "the view"),
}


REPLAYS: dict[str, tuple[Make, str, str]] = {
    "a token of None": (lambda: replay_system(calm, any_of(None)), "token None", "v1:"),
    "a token of a number": (lambda: replay(filled, any_of(5)), "token 5", "v1:"),
    "a schedule of numbers": (lambda: replay_system(calm, any_of([1, 2])), "token [1, 2]", "names"),
    "a token of bytes": (lambda: replay_system(calm, any_of(b"v1:")), "token b'v1:'", "names"),
    "an actor's token": (
        lambda: replay_actor(Answering, ASKING, any_of(5), role="server"),
        "token 5",
        "names",
    ),
    "from_token of bytes": (lambda: from_token(any_of(b"v1:x")), "token b'v1:x'", "v1:"),
    "to_token of a text": (lambda: to_token(any_of("xy")), "schedule='xy'", "names"),
    "to_token of numbers": (lambda: to_token(any_of([5])), "schedule=[5]", "names"),
    "to_token of a set": (lambda: to_token(any_of({"x"})), "schedule={'x'}", "names"),
    "steps of a number": (stepped(lambda run: run.replay(5)), "token 5", "v1:"),
    "steps of numbers": (stepped(lambda run: run.replay([5])), "token [5]", "names"),
    "a step of None": (stepped(lambda run: run.step(None)), "step(None)", "deliver scenario->/s"),
    "a delivery of a number": (stepped(lambda run: run.deliver(5)), "what=5", "a text"),
    "so many steps": (stepped(lambda run: run.run(most="5")), "most='5'", "at least 0"),
    "steps by chance": (stepped(lambda run: run.run(seed=[])), "seed=[]", "an int"),
}

ACTORS: dict[str, tuple[Make, str, str]] = {
    "protocol is a text": (actor(protocol="P"), "protocol='P'", "a Protocol"),
    "protocol is an order": (actor(protocol=ASKING.order), "protocol=Sequence(", "a Protocol"),
    "actor is a number": (actor(3), "3", "an actor class"),
    "actor of no parameter": (actor(lambda: Props(Answering)), "<function", "the other actors"),
    "actor of two": (actor(takes_two), "<function", "the other actors"),
    "actor is async": (actor(two_taken), "<function two_taken", "the other actors"),
    "actor made of a number": (actor(takes_one), "<function", "Props"),
    "arguments that are ignored": (actor(Props(Answering, 1)), "Props(Answering, 1)", "takes"),
    "peers of no such name": (
        actor(asks_for_the_clerk),
        "peers['clerk']",
        "one of client",
    ),
    "begin is a number": (actor(begin=5), "begin=5", "a function"),
    "begin of no parameter": (actor(begin=takes_none), "begin=<function", "the others"),
    "messages is a list": (actor(messages=[Ask()]), "messages=[Ask()]", "a dict"),
    "messages of a number": (actor(messages={5: [Ask()]}), "messages={5: ...}", "Ask"),
    "messages by name": (actor(messages={"Ask": [Ask()]}), "messages={'Ask': ...}", "Ask"),
    "messages of a text": (actor(messages={Ask: "ask"}), "messages={Ask: 'ask'}", "a strategy"),
    "messages of a class": (actor(messages={Ask: Ask}), "messages={Ask: <class", "a strategy"),
    "messages of no parameter": (actor(messages={Ask: takes_none}), "messages={Ask: ", "strategy"),
    "a message that is none": (actor(messages={Ask: takes_one}), "messages={Ask: ...}", "a Ask"),
    "illegal is a text": (actor(illegal="2"), "illegal='2'", "at least 0"),
    "illegal is nan": (actor(illegal=math.nan), "illegal=nan", "at least 0"),
    "illegal is below 0": (actor(illegal=-1), "illegal=-1", "at least 0"),
    "values is a bool": (actor(values=True), "values=True", "at least 1"),
    "length is inf": (actor(length=math.inf), "length=inf", "at least 1"),
    "members is a number": (actor(members=5), "members=5", "a dict"),
    "members are nobody": (
        actor(protocol=ALL_ASKED, role="many", members={"many": 0}),
        "members={'many': 0}",
        "at least the actor",
    ),
}


@pytest.mark.parametrize("case", [*SCENARIOS, *OPTIONS, *REPLAYS, *ACTORS])
def test_what_cannot_be_used_is_named(case: str) -> None:
    make, thing, expected = (SCENARIOS | OPTIONS | REPLAYS | ACTORS)[case]

    with pytest.raises(ScenarioError) as raised:
        make()

    assert thing in raised.value.thing
    assert expected in raised.value.expected


def test_what_is_refused_leaves_the_clock_as_it_was() -> None:
    real = time.monotonic
    for make in (system(5), system(seed="5"), stepped(lambda run: run.replay(5))):
        with pytest.raises(ScenarioError):
            make()
        assert time.monotonic is real


def test_what_cannot_be_stepped_is_not_a_step() -> None:
    with Stepper(calm) as run:
        before = run.enabled()
        for wrong in (None, -1, "deliver x", 1.5):
            with pytest.raises(ScenarioError, match="is not possible now"):
                run.step(any_of(wrong))
        assert (run.enabled(), run.schedule) == (before, ())
