"""Random machines, random events: as an independent model of gen_statem says, over restarts too.

The model keeps one queue, as OTP does, and knows nothing of the code: no journal, no records.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import product
from typing import Any

from hypothesis import given, strategies as st

from dramaturg.actors import Message
from dramaturg.protocols.state_machines import (
    STATE_TIMEOUT,
    GetHistory,
    GetStatus,
    NoTransition,
    StateMachine,
    Timer,
    after,
    entering,
    leaving,
    on,
    postpone,
    transitions,
)
from tests.actors.kit import within
from tests.protocols.state_machines.kit import World


class X(Enum):
    """States."""

    P = 0
    Q = 1
    R = 2


class E0(Message):
    """An event."""


class E1(Message):
    """An event."""


class E2(Message):
    """An event."""


class E3(Message):
    """An event."""


class Jump(Message):
    """Leads from anywhere to P; there it is kept."""


class Hop(Message):
    """Leads from P to Q, from Q to R; in R it is kept."""


EVENTS: tuple[type[Message], ...] = (E0, E1, E2, E3)
SOON_ENDS, LATE = 4, 5
"""What a line waits for instead of one of them."""
SOON = Timer("soon")
STATES = tuple(X)


@dataclass(frozen=True)
class Line:
    """A line of a random table."""

    source: int
    event: int
    """Of ``EVENTS``, or ``SOON_ENDS`` or ``LATE``."""
    does: str
    target: int
    parity: int
    """What the number of notes has to be; 2 is any."""
    inserts: tuple[int, ...]
    """Events of a higher number, so that it ends."""
    starts_soon: bool

    @property
    def is_message(self) -> bool:
        return 0 <= self.event < len(EVENTS)

    @property
    def waits(self) -> bool:
        return self.does == "postpone" and self.is_message


@dataclass(frozen=True)
class Machine:
    """A random table."""

    lines: tuple[Line, ...]
    patience: tuple[int, int, int]
    """Of each state; 0 is none."""


DOES = st.sampled_from(["to", "postpone", "to", "postpone", "keep", "repeat", "nothing"])
PARITIES = st.sampled_from([(2,), (2,), (0,), (1,), (0, 1), (1, 2)])
"""Of the lines for one event in one state, none of which leaves nothing to the next."""
INSERTS = st.lists(st.integers(1, 3), max_size=2)
DEEDS = st.lists(
    st.sampled_from([*EVENTS, *EVENTS, Jump, Hop, 1, 3, "restart"]), min_size=10, max_size=24
)


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Draw a table in which almost every event leads somewhere in almost every state."""
    lines: list[Line] = []
    patience = draw(st.tuples(*[st.sampled_from([0, 3, 5])] * 3))
    for source, event in product(range(3), range(LATE + 1)):
        for parity in draw(PARITIES):
            if (does := draw(DOES)) != "nothing":
                is_message = event < len(EVENTS)
                inserts = tuple(draw(INSERTS)) if is_message else ()
                soon = is_message and draw(st.booleans())
                target = draw(st.integers(0, 2))
                lines.append(Line(source, event, does, target, parity, inserts, soon))
    # What nothing takes may not be inserted, and what inserts itself would never end.
    known = {each.event for each in lines}
    for index, line in enumerate(lines):
        inserts = tuple(each for each in line.inserts if each in known and each > line.event)
        lines[index] = replace(line, inserts=inserts)
    return Machine(tuple(lines), patience)


# -- the machine ---------------------------------------------------------------------------------


def parity_is(parity: int) -> Any:
    def guard(data: tuple[str, ...], event: Any) -> bool:
        return len(data) % 2 == parity

    return guard


EVEN, ODD = parity_is(0), parity_is(1)


def note(text: str) -> Any:
    def update(data: tuple[str, ...], event: Any) -> tuple[str, ...]:
        return (*data, text)

    return update


def declare(made: Machine) -> type[StateMachine[X, Any]]:
    parts: list[Any] = [
        on(Jump).at(X.Q, X.R).to(X.P),
        on(Jump).at(X.P).keep().timing(SOON.start(1.0), STATE_TIMEOUT.cancel()),
        on(Hop).at(X.P).to(X.Q),
        on(Hop).at(X.Q).to(X.R),
        on(Hop).at(X.R).keep(),
        *(entering(each).updating(note(f"+{each.name}")) for each in STATES),
        *(leaving(each).updating(note(f"-{each.name}")) for each in STATES),
    ]
    taken = {(each.source, each.event) for each in made.lines}
    parts += [on(SOON).at(each).keep() for each in STATES if (each.value, SOON_ENDS) not in taken]
    parts += [written(each, made) for each in made.lines if each.event != LATE]
    for state in STATES:
        parts += timeouts(state, made)
    table = transitions(*parts)
    return type("Random", (StateMachine,), {"table": table, "initial": X.P, "initial_data": ()})


def timeouts(state: X, made: Machine) -> Iterator[Any]:
    lines = [each for each in made.lines if (each.source, each.event) == (state.value, LATE)]
    seconds = made.patience[state.value]
    if seconds and not lines:
        yield after(float(seconds)).at(state).keep().updating(note("late"))
    for line in lines if any(made.patience) else ():
        yield written(line, made)


def written(line: Line, made: Machine) -> Any:
    source = STATES[line.source]
    patience = made.patience[line.source]
    trigger: Any = (*EVENTS, SOON, STATE_TIMEOUT)[line.event]
    begun: Any = on(trigger).at(source)
    if line.event == LATE and patience:
        begun = after(float(patience)).at(source)
    guards = () if line.parity == 2 else (EVEN if line.parity == 0 else ODD,)
    if line.waits:
        return postpone(trigger).at(source).when(*guards)
    begun = begun.when(*guards).updating(note(f"e{line.event}"))
    begun = begun.inserting(*[EVENTS[each]() for each in line.inserts])
    if line.is_message and line.starts_soon:
        begun = begun.timing(SOON.start(0))
    if line.does == "to" and line.target != line.source:
        return begun.to(STATES[line.target])
    return begun.repeat() if line.does == "repeat" else begun.keep()


# -- the model -----------------------------------------------------------------------------------


@dataclass
class Model:
    """gen_statem in forty lines: one queue, and what was postponed."""

    made: Machine
    state: int = 0
    data: list[str] = field(default_factory=lambda: ["+P"])
    queue: list[Any] = field(default_factory=list[Any])
    postponed: list[Any] = field(default_factory=list[Any])
    soon: float | None = None
    late: float | None = None
    now: float = 0.0
    moves: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    def __post_init__(self) -> None:
        self.begin_patience()

    def begin_patience(self) -> None:
        seconds = self.made.patience[self.state]
        if seconds:
            self.late = self.now + seconds

    def line(self, event: Any) -> Line | None:
        """Return what an event leads to; None is nothing."""
        number = {"soon": SOON_ENDS, "late": LATE}.get(event, event)
        lines = self.made.lines
        found = [each for each in lines if (each.source, each.event) == (self.state, number)]
        if event == "Jump":
            return self.always("Jump", 0)
        if event == "Hop":
            return self.always("Hop", min(self.state + 1, 2))
        if event == "soon" and not found:
            return self.always("soon", self.state)
        if event == "late" and not found and self.made.patience[self.state]:
            return self.always("late", self.state)
        fits = [each for each in found if each.parity in (2, len(self.data) % 2)]
        return fits[0] if fits else None

    def always(self, event: str, target: int) -> Line:
        does = "to" if target != self.state else "keep"
        return Line(self.state, {"Jump": -1, "Hop": -2}.get(event, -3), does, target, 2, (), False)

    def send(self, event: Any) -> bool:
        """Send an event from outside; tell whether it is taken."""
        if self.line(event) is None:
            return False
        self.take(event)
        self.drain()
        return True

    def drain(self) -> None:
        while self.queue or self.soon == self.now:
            if self.queue:
                event = self.queue.pop(0)
            else:
                event, self.soon = "soon", None
            if self.line(event) is not None:
                self.take(event)

    def take(self, event: Any) -> None:
        line = self.line(event)
        assert line is not None
        if line.waits:
            self.postponed.append(event)
            return
        before = self.state
        self.state = line.target if line.does == "to" else before
        if self.state != before:
            self.data.append(f"-{STATES[before].name}")
            self.late = None
            self.queue[:0] = self.postponed
            self.postponed = []
        if line.event >= 0 or event == "late":
            self.data.append(f"e{line.event}" if line.event >= 0 else "late")
        if self.state != before or line.does == "repeat":
            self.data.append(f"+{STATES[self.state].name}")
            self.begin_patience()
        self.follow(line, event, keeps=self.state == before)
        self.moves.append((STATES[before].name, str(event), STATES[self.state].name))

    def follow(self, line: Line, event: Any, *, keeps: bool) -> None:
        """Do what a line says about timers and the next events."""
        if event == "Jump" and keeps:
            self.soon, self.late = self.now + 1, None
        if line.is_message and line.starts_soon:
            self.soon = self.now
        self.queue[:0] = line.inserts

    def pass_time(self, seconds: int) -> None:
        until = self.now + seconds
        while True:
            due = [each for each in (self.soon, self.late) if each is not None and each <= until]
            if not due:
                break
            self.now = min(due)
            assert self.soon != self.late, "nothing says which comes first"
            if self.soon == self.now:
                event, self.soon = "soon", None
            else:
                event, self.late = "late", None
            if self.line(event) is not None:
                self.take(event)
            self.drain()
        self.now = until


def named(event: Any) -> str:
    """Name an event of the history as the model does."""
    kind = getattr(event, "kind", "")
    if kind:
        return {"named": "soon", "state": "late"}[kind]
    name = type(event).__name__
    return name if name in ("Jump", "Hop") else name[1:]


async def agree(made: Machine, deeds: list[Any]) -> None:
    model, world = Model(made), World()
    kind: Any = declare(made)
    rest = list(deeds)
    history: Any = None
    status: Any = None
    while rest:
        async with world.living(kind) as ref:
            while rest and (deed := rest.pop(0)) != "restart":
                if isinstance(deed, int):
                    for _ in range(deed):
                        await within(ref.request(GetHistory()))
                        world.clock.advance(1.0)
                        model.pass_time(1)
                else:
                    await sent(ref, deed, model)
            history = await within(ref.request(GetHistory()))
            status = await within(ref.request(GetStatus()))
    found = [(source, named(event), target) for source, event, target in history.transitions]
    assert found == model.moves
    assert (status.state.value, list(status.data)) == (model.state, model.data)
    assert [named(each) for each in status.postponed] == list(map(str, model.postponed))


async def sent(ref: Any, deed: type[Message], model: Model) -> None:
    name = deed.__name__
    event: Any = name if name in ("Jump", "Hop") else int(name[1:])
    line = model.line(event)
    waits = line is not None and line.waits
    taken = model.send(event)
    if waits:
        ref.tell(deed())
        return
    try:
        await within(ref.request(deed()))
    except NoTransition:
        assert not taken
    else:
        assert taken


@given(made=machines(), deeds=DEEDS)
def test_random_machines_do_what_the_model_says(made: Machine, deeds: list[Any]) -> None:
    asyncio.run(agree(made, deeds))
