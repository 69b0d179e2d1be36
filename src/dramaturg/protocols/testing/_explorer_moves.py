"""The ways from one state to a next one.

Theory of operation
===================

What may happen to an actor depends on its place alone, so it is worked out once for each place:
a list of moves. A move changes the mover's own slot in a known way, and the slots of others
(who get messages, the history) in a way that depends on the number in that slot alone, which
is a table. All of them change by adding something. So to find a next state is to add the
move's own difference, and one difference from a table for each other slot that it touches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dramaturg.protocols.testing._explorer_lazy import Lazy
from dramaturg.protocols.testing._explorer_mail import Inbox, envelope_in
from dramaturg.protocols.testing._explorer_space import WIDTH, Row, Space
from dramaturg.protocols.testing._explorer_timers import NO_TIMERS, Timer
from dramaturg.protocols.testing._explorer_weather import Part
from dramaturg.protocols.testing._faults import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.protocols.testing._explorer_cast import Step
    from dramaturg.protocols.testing._outputs import CancelTimer, SetTimer
    from dramaturg.protocols.testing._properties import Broken

__all__ = ["HandlerBroke", "Label", "Move", "Moves"]

_Table = Lazy[int, int]
"""From what is in a slot to what is added to the state."""


class Label(NamedTuple):
    """What happens in a move, for the names of events."""

    kind: str
    actor: int = -1
    at: int = -1
    """Where in the actor's inbox the message stands."""
    detail: str = ""
    sent: tuple[int, ...] = ()


class Move(NamedTuple):
    """A way on: what it adds to a state, and the tables of what else it adds, by slot."""

    change: int
    tables: tuple[tuple[int, _Table], ...]
    label: Label


class HandlerBroke(Exception):  # noqa: N818 - a signal to the search, which knows the way to here
    """The move under way is one in which a handler raises."""

    def __init__(self, broken: Broken, label: Label) -> None:
        self.broken = broken
        self.label = label
        super().__init__(broken)


class Moves:
    """All moves of one model."""

    def __init__(self, space: Space, *, lost_with_crash: bool) -> None:
        self._space = space
        self._cast = space.cast
        self._mail = space.mail
        self._weather = space.weather
        self._lost_with_crash = lost_with_crash
        # On a network that keeps the order, what is behind a message that is ignored waits
        # for it to be gone.
        self._skips_ignored = not space.options.exact and space.mail.network is not Network.FIFO
        self._regular: Lazy[int, list[Move]] = Lazy(self._regular_of)
        self._parted: Lazy[Part, Lazy[int, list[Move]]] = Lazy(self._parted_by)
        self._faulty: Lazy[tuple[int, int], list[Move]] = Lazy(self._faulty_of)
        self._shared: Lazy[int, list[Move]] = Lazy(self._shared_of)
        self._rings: Lazy[tuple[int, Timer, int, str, int], Move] = Lazy(self._ring_of)
        self._arrivals: Lazy[tuple[int, Inbox], _Table] = Lazy(self._arrivals_of)
        self._notes: Lazy[tuple[int, ...], _Table] = Lazy(self._notes_of)
        self._settings: Lazy[tuple[int, tuple[Any, ...]], _Table] = Lazy(self._settings_of)
        self._stops: Lazy[int, _Table] = Lazy(self._stops_of)

    def of(self, row: Row) -> list[Move]:
        """Return all ways on from a state, in no particular order."""
        space, weather = self._space, self._weather
        sky = row[space.weather_slot]
        part = weather.part(sky)
        regular = self._regular if part is None else self._parted[part]
        moves = [move for place in row[: space.size] for move in regular[place]]
        if weather.varies:
            moves += self._shared[sky]
            for place in row[: space.size]:
                moves += self._faulty[sky, place]
        if row[space.timers_slot] != NO_TIMERS:
            moves += self._ringing(row)
        return moves

    def ways(self, state: int) -> Iterator[tuple[Move, int]]:
        """Return all ways on from a state on which no handler fails, and where they lead."""
        row = self._space.unpack(state)
        for move in self.of(row):
            try:
                yield move, state + move.change + sum(table[row[at]] for at, table in move.tables)
            except HandlerBroke:
                continue

    def failure(self, state: int) -> HandlerBroke:
        """Return how a handler fails in a state in which one does."""
        row = self._space.unpack(state)
        for move in self.of(row):
            try:
                sum(table[row[at]] for at, table in move.tables)
            except HandlerBroke as failure:
                return failure
        raise AssertionError("no handler fails")

    # -- with nothing going wrong ----------------------------------------------------------

    def _regular_of(self, number: int) -> list[Move]:
        """Return what may happen to an actor with nothing going wrong, timers apart."""
        local, inbox = self._space.places[number]
        actor, up, *_ = self._cast.locals[local]
        if not up:
            step = self._cast.step[local, ("restart", "")]
            return [self._move(number, step, inbox, Label("restart", actor))]
        moves: list[Move] = []
        for at, after in self._mail.deliveries(inbox):
            step = self._cast.step[local, ("message", envelope_in(inbox[at]))]
            if not step.is_ignored(local) or (after != inbox and not self._skips_ignored):
                moves.append(self._move(number, step, after, Label("deliver", actor, at)))
        return moves

    def _parted_by(self, part: Part) -> Lazy[int, list[Move]]:
        """Return the same while the network is in two parts."""

        def fill(number: int) -> list[Move]:
            return [
                move
                for move in self._regular[number]
                if move.label.kind != "deliver" or self._space.arrives(number, move.label.at, part)
            ]

        return Lazy(fill)

    # -- timers ----------------------------------------------------------------------------

    def _ringing(self, row: Row) -> list[Move]:
        """Return the timers that may ring."""
        space, weather = self._space, self._weather
        number, sky = row[space.timers_slot], row[space.weather_slot]
        timers = space.timers[number]
        if space.free_timers or not timers:
            return [self._ring(row, each, "timer", 0) for each in timers]
        moves: list[Move] = []
        first = min(each.left for each in timers)
        quiet = space.is_quiet(row)
        for each in timers:
            kind = "skew" if each.left > first else "timer" if quiet else "early"
            if kind == "timer":
                moves.append(self._ring(row, each, kind, 0))
            elif weather.has(sky, kind):
                moves.append(self._ring(row, each, kind, self._cost(sky, kind)))
        return moves

    def _ring(self, row: Row, timer: Timer, kind: str, cost: int) -> Move:
        place = row[self._cast.index[timer.actor]]
        return self._rings[row[self._space.timers_slot], timer, place, kind, cost]

    def _ring_of(self, key: tuple[int, Timer, int, str, int]) -> Move:
        number, timer, place, kind, cost = key
        space = self._space
        local, inbox = space.places[place]
        step = self._cast.step[local, ("timer", timer.name)]
        after = space.set_timers(space.timers.rung(number, timer), timer.actor, step.timers)
        cost += (after - number) << WIDTH * space.timers_slot
        label = Label(kind, self._cast.locals[local].actor, detail=timer.name)
        return self._move(place, step._replace(timers=()), inbox, label, cost)

    # -- with something going wrong --------------------------------------------------------

    def _cost(self, sky: int, kind: str) -> int:
        return (self._weather.spent(sky, kind) - sky) << WIDTH * self._space.weather_slot

    def _shared_of(self, sky: int) -> list[Move]:
        """Return what may happen to the network as a whole."""
        weather, shift = self._weather, WIDTH * self._space.weather_slot
        if weather.part(sky) is not None:
            return [Move((weather.healed(sky) - sky) << shift, (), Label("heal"))]
        return [
            Move((after - sky) << shift, (), Label("partition", detail=name))
            for name, after in weather.partitions(sky)
        ]

    def _faulty_of(self, key: tuple[int, int]) -> list[Move]:
        """Return what may go wrong with an actor, or with what is in flight to it."""
        sky, number = key
        local, inbox = self._space.places[number]
        actor, up, *_ = self._cast.locals[local]
        moves: list[Move] = []
        crash = self._weather.crash_of(self._cast.names[actor])
        if up and self._weather.has(sky, crash):
            moves.append(self._crash(number, self._cost(sky, crash)))
        if up and self._weather.has(sky, "reorder"):
            part = self._weather.part(sky)
            for at, after in self._mail.overtaking(inbox):
                if self._space.is_exposed(number, at) and self._space.arrives(number, at, part):
                    step = self._cast.step[local, ("message", inbox[at])]
                    label = Label("reorder", actor, at)
                    moves.append(self._move(number, step, after, label, self._cost(sky, "reorder")))
        for kind, ways in (("drop", self._mail.drops), ("duplicate", self._mail.duplicates)):
            if self._weather.has(sky, kind):
                for at, after in ways(inbox):
                    if not self._space.is_exposed(number, at):
                        continue
                    change = (self._space.place(local, after) - number) << WIDTH * actor
                    moves.append(Move(change + self._cost(sky, kind), (), Label(kind, actor, at)))
        return moves

    def _crash(self, number: int, cost: int) -> Move:
        local, inbox = self._space.places[number]
        actor = self._cast.locals[local].actor
        step = self._cast.step[local, ("crash", "")]
        rest = () if self._lost_with_crash else inbox
        move = self._move(number, step, rest, Label("crash", actor), cost)
        stop = (self._space.timers_slot, self._stops[actor])
        return move._replace(tables=(*move.tables, stop))

    # -- moves -----------------------------------------------------------------------------

    def _move(self, number: int, step: Step, after: Inbox, label: Label, change: int = 0) -> Move:
        """Return the move in which an actor takes a step, and its inbox is so thereafter."""
        label = label._replace(sent=step.sent)
        if step.broken is not None:
            return Move(0, ((0, _failing(step.broken, label)),), label)
        sent: dict[int, list[int]] = {}
        for each in step.sent:
            sent.setdefault(self._cast.envelopes[each].receiver, []).append(each)
        after = self._mail.put(after, sent.pop(label.actor, ()))
        change += (self._space.place(step.local, after) - number) << WIDTH * label.actor
        tables = [(to, self._arrivals[to, tuple(each)]) for to, each in sent.items()]
        if step.notes:
            tables.append((self._space.history_slot, self._notes[step.notes]))
        if step.timers:
            tables.append((self._space.timers_slot, self._settings[label.actor, step.timers]))
        return Move(change, tuple(tables), label)

    def _arrivals_of(self, key: tuple[int, Inbox]) -> _Table:
        receiver, sent = key
        space = self._space

        def change(number: int) -> int:
            local, inbox = space.places[number]
            return (space.place(local, space.mail.put(inbox, sent)) - number) << WIDTH * receiver

        return Lazy(change)

    def _notes_of(self, notes: tuple[int, ...]) -> _Table:
        history, shift = self._space.history, WIDTH * self._space.history_slot
        return Lazy(lambda number: (history.grown(number, notes) - number) << shift)

    def _settings_of(self, key: tuple[int, tuple[SetTimer | CancelTimer, ...]]) -> _Table:
        actor, changes = key
        name, space = self._cast.names[actor], self._space
        shift = WIDTH * space.timers_slot
        return Lazy(lambda number: (space.set_timers(number, name, changes) - number) << shift)

    def _stops_of(self, actor: int) -> _Table:
        name, timers = self._cast.names[actor], self._space.timers
        shift = WIDTH * self._space.timers_slot
        return Lazy(lambda number: (timers.without(number, name) - number) << shift)


def _failing(broken: Broken, label: Label) -> _Table:
    def fail(_number: int) -> int:
        raise HandlerBroke(broken, label)

    return Lazy(fail)
