"""The states of a model, as numbers.

A global state is a row of slots with a number in each: one slot for each actor, one each for
the timers, the history and the weather. The number in an actor's slot is that of its *place*:
its local state together with what is in flight to it. The row is packed into one int, 32 bits
a slot, for those are the cheapest to keep by the million, to hash and to compare.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer_cast import Cast
from dramaturg.protocols.testing._explorer_history import NO_HISTORY, Histories
from dramaturg.protocols.testing._explorer_lazy import Ids, Lazy
from dramaturg.protocols.testing._explorer_mail import Inbox, Mail, envelope_in
from dramaturg.protocols.testing._explorer_timers import NO_TIMERS, Timers
from dramaturg.protocols.testing._explorer_weather import Part, Weather, passes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.protocols.testing._explorer_model import Model
    from dramaturg.protocols.testing._outputs import CancelTimer, SetTimer

__all__ = ["WIDTH", "Options", "Place", "Retry", "Row", "Space"]

WIDTH = 32
"""Bits for a slot."""

Row = tuple[int, ...]
"""The numbers in the slots of a state."""


class Options(NamedTuple):
    """What a search has to keep apart, because something in the model can tell it apart."""

    exact: bool
    """Whether a message that an actor would ignore is gone or still in flight.

    If nobody can tell, such a delivery is no transition, which makes many spaces far smaller.
    Whoever reads what is in flight can tell; but also whoever is at rest only when nothing
    is: a message that comes too early, is ignored, and never comes again, is a way to end
    that would be missed. Likewise with timers that wait until all messages have arrived.
    """
    clock: bool
    """The time since the start."""


class Retry(BaseException):
    """The search has to begin again: something can tell apart what it has not kept apart.

    Not an Exception, for it has to pass through the checks of users.
    """

    def __init__(self, option: str) -> None:
        self.option = option
        super().__init__(option)


class Place(NamedTuple):
    """An actor's part of a state."""

    local: int
    inbox: Inbox


class Space:
    """The states of one model that a search has seen."""

    def __init__(self, model: Model, options: Options) -> None:
        self.cast = Cast(model.actors)
        self.names = self.cast.names
        self.size = len(self.names)
        self.timers_slot, self.history_slot, self.weather_slot = range(self.size, self.size + 3)
        self.free_timers = model.free_timers
        self.options = options
        self.mail = Mail(model.network, self.cast.envelopes, receipts=options.exact)
        self.timers = Timers(free=model.free_timers, clock=options.clock)
        self.history = Histories(model.history, self.cast.notes)
        self.weather = Weather(model.faults, self.names)
        self._packing = struct.Struct(f"<{self.size + 3}I")
        self._places: Ids[Place, Place] = Ids()
        self.places = self._places.values
        self.local_of: Lazy[int, int] = Lazy(lambda number: self.places[number].local)
        self._busy: Lazy[int, bool] = Lazy(self._is_busy)
        self._reachable: Lazy[tuple[Part | None, int], bool] = Lazy(self._is_reachable)
        self.shown: set[int] = set()
        """The local states that checks have looked at."""
        self.sent: list[int] = [self.cast.envelope(*each) for each in model.sent]
        """The envelopes that are sent before the first event, in order."""
        self.start = self._started()

    def unpack(self, state: int) -> Row:
        """Return the numbers in the slots of a state."""
        return self._packing.unpack(state.to_bytes(self._packing.size, "little"))

    def pack(self, row: Iterable[int]) -> int:
        """Return the state with these numbers in its slots."""
        return int.from_bytes(self._packing.pack(*row), "little")

    def place(self, local: int, inbox: Inbox) -> int:
        """Return the number of a place."""
        place = Place(local, inbox)
        return self._places.of(place, place)

    def is_at_rest(self, row: Row) -> bool:
        """Tell whether nothing is left to do."""
        if self.timers[row[self.timers_slot]]:
            return False
        busy = self._busy
        if any(busy[place] for place in row[: self.size]):
            return False
        return self.weather.part(row[self.weather_slot]) is None

    def is_quiet(self, row: Row) -> bool:
        """Tell whether no message can be delivered, so that it is time for timers.

        Also while the network is parted or somebody is down, see ``_world``: a model that sends
        again and again meanwhile has no end of states, unless it has a boundary.
        """
        reachable = self._reachable
        part = self.weather.part(row[self.weather_slot])
        return not any(reachable[part, place] for place in row[: self.size])

    def arrives(self, number: int, at: int, part: Part | None) -> bool:
        """Tell whether what stands at some place in an inbox can cross the network."""
        local, inbox = self.places[number]
        sender = self.cast.envelopes[envelope_in(inbox[at])].sender
        if sender not in self.cast.index:
            return True  # from outside
        return passes(sender, self.names[self.cast.locals[local].actor], part)

    def is_exposed(self, number: int, at: int) -> bool:
        """Tell whether it goes from one actor to another."""
        local, inbox = self.places[number]
        sender = self.cast.index.get(self.cast.envelopes[envelope_in(inbox[at])].sender)
        return sender is not None and sender != self.cast.locals[local].actor

    def _is_reachable(self, key: tuple[Part | None, int]) -> bool:
        """Tell whether anything can be delivered to an actor."""
        part, number = key
        local, inbox = self.places[number]
        if not self.cast.locals[local].up:
            return False
        waits = (at for at, item in enumerate(inbox) if item >= 0)
        return any(self.arrives(number, at, part) for at in waits)

    def _is_busy(self, number: int) -> bool:
        """Tell whether an actor is down, or something is on its way to it."""
        local, inbox = self.places[number]
        return not self.cast.locals[local].up or bool(self.mail.awaited(inbox))

    def set_timers(
        self, number: int, actor: str, changes: tuple[SetTimer | CancelTimer, ...]
    ) -> int:
        """Return which timers are set when an actor has set and called off some.

        :raises Retry: if they wait for messages of which it is not known whether they are gone.
        """
        if changes and not (self.free_timers or self.options.exact):
            raise Retry("exact")
        return self.timers.changed(number, actor, changes)

    def check_unchanged(self) -> None:
        """See to it that checks have only looked.

        :raises ScenarioError: if one has changed an actor.
        """
        for number in self.shown:
            actor, _, live, frozen = self.cast.locals[number]
            if self.cast.frozen(actor, live) != frozen:
                raise ScenarioError(
                    thing=self.names[actor],
                    problem="was changed by a check",
                    expected="checks that only look",
                )

    def _started(self) -> int:
        inboxes: list[list[int]] = [[] for _ in self.names]
        begun: list[int] = []
        timers, history = NO_TIMERS, NO_HISTORY
        for actor, name in enumerate(self.names):
            local = self.cast.local(actor, up=True, live=self.cast.blueprints[actor].new())
            step = self.cast.step[local, ("start", "")]
            begun.append(step.local)
            self.sent += step.sent
            timers = self.set_timers(timers, name, step.timers)
            history = self.history.grown(history, step.notes)
        for each in self.sent:
            inboxes[self.cast.envelopes[each].receiver].append(each)
        places = [
            self.place(local, self.mail.put((), inbox))
            for local, inbox in zip(begun, inboxes, strict=True)
        ]
        return self.pack([*places, timers, history, 0])
