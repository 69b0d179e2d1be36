"""Checks of states, remembered by what they have read.

A check that reads the history alone is called once for each history, however many states
have it. What a check has read, and what it said then, is kept as a tree: at each node a part
of the state to look at, and by what stands there the next node, or in the end the outcome.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer_mail import envelope_in
from dramaturg.protocols.testing._explorer_space import Retry
from dramaturg.protocols.testing._properties import Broken, failed

if TYPE_CHECKING:
    from dramaturg.protocols.testing._explorer_space import Row, Space
    from dramaturg.protocols.testing._properties import Check

__all__ = ["RememberedCheck", "StateView"]


class _Part(NamedTuple):
    """A part of a state: a slot, and whether only the actor's own state there counts."""

    slot: int
    own: bool


class _Node:
    """What to look at next; or, if there is no part to look at, what came of it."""

    __slots__ = ("broken", "part", "then")

    def __init__(self, part: _Part | None, broken: Broken | None = None) -> None:
        self.part = part
        self.broken = broken
        self.then: dict[int, _Node] = {}


class RememberedCheck:
    """One check, and what it said of the states so far."""

    __slots__ = ("_check", "_root", "_space", "name")

    def __init__(self, space: Space, name: str, check: Check) -> None:
        self.name = name
        self._space = space
        self._check = check
        self._root: _Node | None = None

    def __call__(self, row: Row) -> Broken | None:
        """Return the property as broken if the check does not hold for the state.

        :raises ScenarioError: if the check depends on more than it reads of the view.
        """
        node = self._root
        local_of = self._space.local_of
        while node is not None:
            part = node.part
            if part is None:
                return node.broken
            slot, own = part
            found = row[slot]
            node = node.then.get(local_of[found] if own else found)
        return self._ask(row)

    def _ask(self, row: Row) -> Broken | None:
        view = StateView(self._space, row)
        broken = failed(self.name, self._check, view)
        self._remember(row, list(view.read), _Node(None, broken))
        return broken

    def _remember(self, row: Row, read: list[_Part], outcome: _Node) -> None:
        nodes = [*(_Node(part) for part in read), outcome]
        if self._root is None:
            self._root = nodes[0]
        node = self._root
        for part, then in zip(read, nodes[1:], strict=True):
            if node.part != part:
                raise ScenarioError(
                    thing=self.name,
                    problem="read something else of the view than it did before",
                    expected="a check that depends on the view alone",
                )
            found = row[part.slot]
            node = node.then.setdefault(self._space.local_of[found] if part.own else found, then)


class StateView:
    """A state, to look at: ``view["a"]`` is the actor of that name."""

    __slots__ = ("_row", "_space", "read")

    def __init__(self, space: Space, row: Row) -> None:
        self._space = space
        self._row = row
        self.read: dict[_Part, None] = {}
        """What was looked at, in order."""

    def __getitem__(self, name: str) -> Any:
        """Return the actor of that name; do not change it.

        :raises ScenarioError: if there is none.
        """
        return self._local(name).live

    @property
    def actors(self) -> Mapping[str, Any]:
        """All actors by name, in the order in which they start."""
        return _Actors(self, self._space.names)

    def up(self, name: str) -> bool:
        """Tell whether an actor is up, that is, has not crashed or is back."""
        return bool(self._local(name).up)

    @property
    def history(self) -> tuple[Any, ...]:
        """What was noted, in order."""
        return self._space.history[self._look(self._space.history_slot)]

    @property
    def in_flight(self) -> tuple[tuple[str, str, Any], ...]:
        """Sender, receiver and message of all that is on its way, in no particular order."""
        space = self._space
        if not space.options.exact:
            raise Retry("exact")
        inboxes = [space.places[self._look(slot)].inbox for slot in range(space.size)]
        envelopes = [
            space.cast.envelopes[envelope_in(item)]
            for inbox in inboxes
            for item in space.mail.awaited(inbox)
        ]
        return tuple((each.sender, space.names[each.receiver], each.message) for each in envelopes)

    @property
    def now(self) -> float:
        """Seconds of virtual time since the start."""
        space = self._space
        if not (space.options.clock or space.free_timers):
            raise Retry("clock")
        return space.timers.now(self._look(space.timers_slot))

    def _look(self, slot: int) -> int:
        self.read[_Part(slot, own=False)] = None
        return self._row[slot]

    def _local(self, name: str) -> Any:
        space = self._space
        try:
            slot = space.names.index(name)
        except ValueError:
            raise ScenarioError(
                thing=f"view[{name!r}]",
                problem="no such actor",
                expected=f"one of {', '.join(space.names)}",
            ) from None
        self.read[_Part(slot, own=True)] = None
        number = space.local_of[self._row[slot]]
        space.shown.add(number)
        return space.cast.locals[number]


class _Actors(Mapping[str, Any]):
    """The actors of a view: only those that are looked up count as read."""

    def __init__(self, view: StateView, names: list[str]) -> None:
        self._view = view
        self._names = names

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._view[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
