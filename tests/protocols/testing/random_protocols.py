"""Small protocols that are drawn: actors that look up what to do in a table."""

from typing import Any, Self

from hypothesis import strategies as st

from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._faults import Faults, Network
from dramaturg.protocols.testing._outputs import CancelTimer, Noted, Output, SetTimer

STATES = [0, 1, 2]
MESSAGES = ["x", "y"]

Entry = tuple[int, tuple[Any, ...]]
"""The next state, and what to put out."""


class Lookup:
    """A table; one object, however often its actor is copied."""

    def __init__(self, entries: dict[Any, Entry]) -> None:
        self.entries = entries

    def __call__(self, state: int, cause: str) -> Entry:
        return self.entries.get((state, cause), (state, ()))

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __repr__(self) -> str:
        return f"{self.entries!r}"


class Table:
    """Does what its table says, until it has put out as much as it may."""

    def __init__(self, lookup: Lookup, durable: tuple[str, ...], fuel: int) -> None:
        self.lookup = lookup
        self.durable = durable
        self.state = 0
        self.fuel = fuel

    def on_start(self) -> list[Output]:
        return self.act("start")

    def on_message(self, sender: str, message: str) -> list[Output]:
        return self.act(message)

    def on_timer(self, name: str) -> list[Output]:
        return self.act(name)

    def on_restart(self) -> list[Output]:
        return self.act("restart")

    def __repr__(self) -> str:
        return f"Table({self.lookup!r}, {self.durable!r}, {self.fuel!r})"

    def act(self, cause: str) -> list[Output]:
        after, outputs = self.lookup(self.state, cause)
        self.state = after
        if not self.fuel or not outputs:
            return []
        self.fuel -= 1
        return list(outputs)


def _outputs(names: list[str]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.tuples(st.sampled_from(names), st.sampled_from(MESSAGES)),
        st.tuples(st.sampled_from(names), st.sampled_from(MESSAGES)),
        st.builds(SetTimer, st.sampled_from(["t", "u"]), st.sampled_from([0.0, 1.0, 2.0])),
        st.builds(CancelTimer, st.sampled_from(["t", "u"])),
        st.builds(Noted, st.sampled_from([1, 2])),
    )


def _table(names: list[str]) -> st.SearchStrategy[Table]:
    causes = ["start", *MESSAGES, "t", "u", "restart"]
    outputs = st.lists(_outputs(names), min_size=1, max_size=2).map(tuple)
    entry = st.tuples(st.sampled_from(STATES), outputs)
    entries = st.dictionaries(
        st.tuples(st.sampled_from(STATES), st.sampled_from(causes)), entry, min_size=8, max_size=15
    )
    starting = st.tuples(entries, entry).map(
        lambda pair: Lookup({**pair[0], (0, "start"): pair[1]})
    )
    durable = st.sampled_from([(), ("state",), ("fuel",), ("state", "fuel")])
    return st.builds(Table, starting, durable, st.sampled_from([3, 2, 1]))


KINDS: dict[str, Any] = {
    "crashes": [1, {"a": 1}],
    "drops": [1],
    "duplicates": [1, 2],
    "reorders": [1],
    "early_timers": [1],
    "skews": [1],
    "partitions": [1],
    "lost_with_crash": [True],
}


@st.composite
def faults(draw: st.DrawFn) -> Faults:
    """Draw budgets of few kinds: of many the space is too large to go through slowly."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), unique=True, min_size=1, max_size=2))
    if kinds == ["lost_with_crash"]:
        kinds.append("crashes")
    return Faults(**{kind: draw(st.sampled_from(KINDS[kind])) for kind in kinds})


@st.composite
def models(draw: st.DrawFn) -> Model:
    names = draw(st.sampled_from([["a", "b"], ["a", "b"], ["a", "b", "c"]]))
    return Model(
        actors={name: draw(_table(names)) for name in names},
        sent=draw(
            st.lists(
                st.tuples(
                    st.sampled_from(["outside", *names]),
                    st.sampled_from(names),
                    st.sampled_from(MESSAGES),
                ),
                max_size=2,
            )
        ),
        network=draw(st.sampled_from(Network)),
        faults=draw(faults()),
        free_timers=draw(st.booleans()),
    )
