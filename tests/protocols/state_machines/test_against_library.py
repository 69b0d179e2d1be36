"""Random tables take and refuse the same events as those of python-statemachine, and run as much.

Only what both have: guarded transitions in order, hooks, and events that are refused.
"""

import warnings
from enum import Enum
from typing import Any

from hypothesis import given, strategies as st

from dramaturg.actors import Message
from dramaturg.protocols.state_machines import (
    NoTransition,
    StateMachine,
    entering,
    leaving,
    on,
    transitions,
)
from dramaturg.protocols.state_machines._decide import began, choose, moved
from dramaturg.protocols.state_machines._fold import fold
from dramaturg.protocols.state_machines._records import Situation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import statemachine as theirs
    from statemachine.exceptions import TransitionNotAllowed


class X(Enum):
    """States."""

    P = 0
    Q = 1
    R = 2


class E0(Message):
    """An event."""


class E1(Message):
    """An event."""


class Hop(Message):
    """Leads from each state to the next."""


Notes = tuple[str, ...]
Line = tuple[int, int, int, int]
"""Source, event, target and the parity that the number of notes must have; 2 is any."""
STATES = tuple(X)
EVENTS = (E0, E1)


def is_even(data: Notes, event: Any) -> bool:
    return len(data) % 2 == 0


def is_odd(data: Notes, event: Any) -> bool:
    return len(data) % 2 == 1


GUARDS = {0: (is_even,), 1: (is_odd,), 2: ()}


def note(text: str) -> Any:
    def update(data: Notes, event: Any) -> Notes:
        return (*data, text)

    return update


@st.composite
def tables(draw: st.DrawFn) -> list[Line]:
    numbers = st.tuples(*(st.integers(0, 2), st.integers(0, 1), st.integers(0, 2)))
    lines: list[Line] = []
    for source, event, target in draw(st.lists(numbers, max_size=10)):
        parity = draw(st.integers(0, 2))
        rivals = [each for each in lines if each[:2] == (source, event)]
        if not any(each[3] in (2, parity) for each in rivals):
            lines.append((source, event, target, parity))
    return lines


class Ours:
    """The pure part of a machine."""

    def __init__(self, lines: list[Line]) -> None:
        parts: list[Any] = [on(Hop).at(each).to(STATES[(each.value + 1) % 3]) for each in STATES]
        parts += [entering(each).updating(note(f"+{each.name}")) for each in STATES]
        parts += [leaving(each).updating(note(f"-{each.name}")) for each in STATES]
        for source, event, target, parity in lines:
            begun = on(EVENTS[event]).at(STATES[source]).when(*GUARDS[parity]).updating(note("on"))
            parts.append(begun.keep() if source == target else begun.to(STATES[target]))
        declared = {"table": transitions(*parts), "initial": X.P, "initial_data": ()}
        made: Any = type("Ours", (StateMachine,), declared)
        self.definition = made._definition
        record = began(self.definition, (), 0.0)
        self.now = fold(self.definition, Situation(""), record)

    def send(self, event: type[Message]) -> bool:
        try:
            rule = choose(self.definition, self.now, event(), "ours")
        except NoTransition:
            return False
        record = moved(self.definition, self.now, rule, event(), origin="mailbox", now=0.0)
        self.now = fold(self.definition, self.now, record)
        return True


def library(lines: list[Line]) -> Any:
    """Declare the same machine with the library."""
    found = {each.name: theirs.State(initial=each is X.P) for each in STATES}
    p, q, r = found.values()
    declared: dict[str, Any] = {**found, "hop": p.to(q) | q.to(r) | r.to(p)}
    for source, event, target, parity in lines:
        options: dict[str, Any] = {"on": "note_it"}
        if parity != 2:
            options["cond"] = "is_odd" if parity else "is_even"
        begin, end = found[STATES[source].name], found[STATES[target].name]
        internal = {"internal": True} if source == target else {}
        line = begin.to(end, **options, **internal)
        name = f"e{event}"
        declared[name] = declared[name] | line if name in declared else line
    return type("Library", (Noting,), declared)()


class Noting(theirs.StateMachine):
    """Notes what the library calls."""

    def __init__(self) -> None:
        self.data: list[str] = []
        super().__init__()  # pyright: ignore[reportUnknownMemberType]

    def is_even(self) -> bool:
        return len(self.data) % 2 == 0

    def is_odd(self) -> bool:
        return len(self.data) % 2 == 1

    def note_it(self) -> None:
        self.data.append("on")

    def on_enter_state(self, target: Any) -> None:
        self.data.append(f"+{target.id}")

    def on_exit_state(self, source: Any) -> None:
        self.data.append(f"-{source.id}")


@given(lines=tables(), events=st.lists(st.sampled_from([E0, E1, Hop]), max_size=20))
def test_random_tables_behave_as_those_of_the_library(
    lines: list[Line], events: list[type[Message]]
) -> None:
    ours, other = Ours(lines), library(lines)
    for event in events:
        taken = ours.send(event)
        try:
            other.send(event.__name__.lower())
        except TransitionNotAllowed:
            assert not taken
        else:
            assert taken
        assert ours.now.state == next(iter(other.configuration)).id
        assert list(ours.now.data) == other.data
