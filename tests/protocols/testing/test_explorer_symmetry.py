"""Actors that are alike but for their names need not be told apart."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings, strategies as st

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._explorer_rename import renamed
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._freeze import freeze
from dramaturg.protocols.testing._outputs import Noted, Output, SetTimer
from tests.protocols.testing.random_protocols import Lookup
from tests.protocols.testing.worlds import Keeper

MEMBERS = ("p1", "p2", "p3")
PAIR = MEMBERS[:2]


class Member:
    """Does what a table says; messages tell who they are about."""

    def __init__(self, name: str, lookup: Lookup) -> None:
        self.name = name
        self.others = frozenset(PAIR) - {name}
        self.lookup = lookup
        self.state = 0
        self.fuel = 1
        self.about: set[str] = set()

    def on_start(self) -> list[Output]:
        return self.act("start", self.name)

    def on_message(self, sender: str, message: tuple[str, str]) -> list[Output]:
        return self.act(message[0], sender)

    def act(self, cause: str, sender: str) -> list[Output]:
        after, outputs = self.lookup(self.state, cause)
        self.state = after
        if not self.fuel:
            return []
        self.fuel -= 1
        self.about.add(sender)
        groups = {"hub": ["hub"], "others": sorted(self.others), "sender": [sender]}
        return [
            Noted((self.name, what)) if to == "note" else (each, (what, sender))
            for to, what in outputs
            for each in groups.get(to, ["hub"])
        ]


def outputs(*receivers: str) -> st.SearchStrategy[Any]:
    said = st.tuples(st.sampled_from(receivers), st.sampled_from(["x", "y"]))
    return st.tuples(st.sampled_from([0, 1]), st.lists(said, min_size=1, max_size=2).map(tuple))


@st.composite
def tables(draw: st.DrawFn) -> Lookup:
    keys = st.tuples(st.sampled_from([0, 1]), st.sampled_from(["x", "y"]))
    entries = outputs("hub", "others", "sender", "note")
    table = draw(st.dictionaries(keys, entries, min_size=2))
    # Notes of the start would be in the order of the names.
    return Lookup({**table, (0, "start"): draw(outputs("hub", "others"))})


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(tables(), tables(), st.sampled_from([NO_FAULTS, Faults(crashes={"p": 1}), Faults(drops=1)]))
def test_as_many_states_are_found_as_there_are_without_names(
    member: Lookup, hub: Lookup, faults: Faults
) -> None:
    members = {name: Member(name, member) for name in PAIR}
    model = Model(
        actors={"hub": Member("hub", hub), **members},
        network=Network.UNORDERED,
        faults=faults,
        always={"look": lambda view: isinstance(view.in_flight, tuple)},
    )
    assume(explore_all(model, max_states=400).complete)
    unnamed: set[Hashable] = set()

    def see(view: Any) -> None:
        unnamed.add(orbit(view))

    full = explore_all(replace(model, always={"see": see}))

    result = explore_all(replace(model, symmetric=[PAIR]))

    # Budgets cannot be seen: with one there are more states than views.
    if faults == NO_FAULTS:
        assert result.states == len(unnamed)
    assert len(unnamed) <= result.states <= full.states


def orbit(view: Any) -> Hashable:
    """Return what a state is, whatever the members are called."""
    return frozenset(
        named(view, dict(zip(PAIR, order, strict=True))) for order in permutations(PAIR)
    )


def named(view: Any, names: dict[str, str]) -> Hashable:
    actors = {names.get(name, name): renamed(actor, names) for name, actor in view.actors.items()}
    up = {names.get(name, name): view.up(name) for name in view.actors}
    in_flight = sorted(renamed(view.in_flight, names))
    frozen: Hashable = freeze((actors, up, in_flight, renamed(view.history, names)))
    return frozen


def test_a_way_through_states_that_are_alike_is_one_that_exists() -> None:
    def two_have_got(view: Any) -> bool:
        return sum(bool(view[name].got) for name in MEMBERS) < 2

    model = Model(
        actors={name: Keeper() for name in MEMBERS},
        sent=[("x", name, "m") for name in MEMBERS for _ in range(2)],
        always={"fewer than two": two_have_got},
        symmetric=[MEMBERS],
    )

    schedule = explore_all(model).schedule

    assert len(schedule) == 2
    assert len(set(schedule)) == 2
    assert all(name.startswith("deliver x->p") and name.endswith(" #0") for name in schedule)


def test_a_failing_handler_is_named_as_it_is_on_the_way() -> None:
    class Fragile(Keeper):
        def on_message(self, sender: str, message: Any) -> None:
            if self.got:
                raise ValueError("twice")
            self.got.append(message)

    model = Model(
        actors={name: Fragile() for name in MEMBERS},
        sent=[("x", name, "m") for name in MEMBERS for _ in range(2)],
        symmetric=[MEMBERS],
    )

    result = explore_all(model)

    first, second = result.schedule
    assert first.removesuffix("#0") == second.removesuffix("#1")
    assert result.broken is not None
    assert result.broken.name == f"p{first[len('deliver x->p')]} raises ValueError"


def test_timers_and_parts_of_the_network_are_renamed_too() -> None:
    class Ringing(Keeper):
        def on_start(self) -> list[Output]:
            return [SetTimer("t", 1.0)]

        def on_timer(self, name: str) -> None:
            self.got.append(name)

    model = Model(actors={name: Ringing() for name in MEMBERS}, faults=Faults(partitions=1))

    # Who has rung: 8 sets, or 4 numbers. The network: whole, healed; or parted in 3 ways, of
    # which without names there are 1, 2, 2, 1 (who is alone: one that has rung or not).
    assert explore_all(model).states == 8 * 5
    assert explore_all(replace(model, symmetric=[MEMBERS])).states == 4 * 2 + 6


def test_two_groups_are_renamed_each_on_its_own() -> None:
    groups = [("a1", "a2"), ("b1", "b2")]
    names = [name for group in groups for name in group]
    model = Model(
        actors={name: Keeper() for name in names},
        sent=[("x", name, "m") for name in names],
    )

    assert explore_all(model).states == 2**4
    assert explore_all(replace(model, symmetric=groups)).states == 3 * 3


class Listing(Keeper):
    def __init__(self, others: list[str]) -> None:
        super().__init__()
        self.others = others


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"actors": {"p1": Keeper(), "p2": Listing([])}}, id="classes"),
        pytest.param({"actors": {"p1": Listing(["a"]), "p2": Listing(["b"])}}, id="fields"),
        pytest.param({"sent": [("x", "p1", "m")]}, id="messages"),
        pytest.param({"faults": Faults(crashes={"p1": 1})}, id="budgets"),
        pytest.param(
            {"actors": {"p1": Keeper(), "p2": Keeper(), "hub": Listing(["p1", "p2"])}}, id="a list"
        ),
    ],
)
def test_actors_that_are_not_alike_are_refused(options: dict[str, Any]) -> None:
    whole: dict[str, Any] = {"actors": {"p1": Keeper(), "p2": Keeper()}, **options}

    with pytest.raises(ScenarioError, match="not alike"):
        explore_all(Model(**whole, symmetric=[("p1", "p2")]))


class Pair(NamedTuple):
    first: str
    second: int


@dataclass(frozen=True)
class About:
    who: str
    also: tuple[str, ...] = ()


class Plain:
    def __init__(self, who: str) -> None:
        self.who = who


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "b"),
        ("c", "c"),
        (1, 1),
        (None, None),
        (["a", "c"], ["b", "c"]),
        ({"a", "c"}, {"b", "c"}),
        (frozenset({"a"}), frozenset({"b"})),
        (deque(["a"], 3), deque(["b"], 3)),
        ({"a": "a"}, {"b": "b"}),
        (Pair("a", 1), Pair("b", 1)),
        (About("a", ("a", "c")), About("b", ("b", "c"))),
        (Plain("a"), Plain("b")),
    ],
)
def test_a_name_is_exchanged_wherever_it_stands(value: Any, expected: Any) -> None:
    result = renamed(value, {"a": "b"})

    assert freeze(result) == freeze(expected)
