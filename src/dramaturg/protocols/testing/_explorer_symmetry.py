"""States that differ only in the names of actors that are alike.

For each state one of those that come from it by swapping names is chosen, always the same one.
To try all ways to swap would be slow: of five actors there are 120. So the members of a group
are sorted first, by what can be told of each without its name: its own state and what others
have of it. Only among those for whom that is equal, all orders are tried; and not even those
if it makes no difference who is who.
"""

from __future__ import annotations

from itertools import groupby, pairwise, permutations, product
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer_lazy import Ids, Lazy
from dramaturg.protocols.testing._explorer_mail import envelope_in
from dramaturg.protocols.testing._explorer_rename import renamed
from dramaturg.protocols.testing._freeze import freeze

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dramaturg.protocols.testing._explorer_model import Model
    from dramaturg.protocols.testing._explorer_space import Row, Space

__all__ = ["Symmetry"]

_Order = tuple[int, ...]
"""For each actor, by number, who gets its part."""


class Symmetry:
    """The choice of one state for all that are alike."""

    def __init__(self, space: Space, model: Model) -> None:
        """Check that the members of each group are alike.

        :raises ScenarioError: if they are not.
        """
        self._space = space
        self._cast = space.cast
        self._groups = [
            tuple(space.cast.index[name] for name in group) for group in model.symmetric
        ]
        self._everybody = tuple(range(space.size))
        members = {each for group in self._groups for each in group}
        self._others = [each for each in self._everybody if each not in members]
        self._chosen: Lazy[int, int] = Lazy(self._choose)
        # What a place, an envelope, ... is under other names, or to a member of a group.
        self._names: Lazy[_Order, dict[str, str]] = Lazy(self._names_of)
        self._place: Lazy[tuple[_Order, int], int] = Lazy(self._place_of)
        self._local: Lazy[tuple[_Order, int], int] = Lazy(self._local_of)
        self._envelope: Lazy[tuple[_Order, int], int] = Lazy(self._envelope_of)
        self._timers: Lazy[tuple[_Order, int], int] = Lazy(self._timers_of)
        self._history: Lazy[tuple[_Order, int], int] = Lazy(self._history_of)
        self._weather: Lazy[tuple[_Order, int], int] = Lazy(self._weather_of)
        self._colours: Ids[Any, None] = Ids()
        self._colour: Lazy[tuple[int, int], int] = Lazy(self._colour_of)
        self._local_colour: Lazy[tuple[int, int], int] = Lazy(self._local_colour_of)
        self._envelope_colour: Lazy[tuple[int, int], int] = Lazy(self._envelope_colour_of)
        for group in self._groups:
            self._check(group)

    def of(self, state: int) -> int:
        """Return the state that is chosen for this one."""
        return self._chosen[state]

    def _choose(self, state: int) -> int:
        row = self._space.unpack(state)
        return min(self._renamed(row, order) for order in self._orders(row))

    # -- which orders to try ---------------------------------------------------------------

    def _orders(self, row: Row) -> Iterator[_Order]:
        """Return the ways to rename that sort each group by colour."""
        for chosen in product(*(self._sorted(group, row) for group in self._groups)):
            order = list(self._everybody)
            for group, members in zip(self._groups, chosen, strict=True):
                for member, position in zip(members, group, strict=True):
                    order[member] = position
            yield tuple(order)

    def _sorted(self, group: tuple[int, ...], row: Row) -> list[tuple[int, ...]]:
        colour = self._colour
        colours = {
            member: (colour[member, row[member]], *(colour[member, row[x]] for x in self._others))
            for member in group
        }
        members = sorted(group, key=colours.__getitem__)
        ties = [tuple(tie) for _, tie in groupby(members, colours.__getitem__)]
        ways = [[tie] if self._is_alike(tie, row) else list(permutations(tie)) for tie in ties]
        return [tuple(each for tie in way for each in tie) for way in product(*ways)]

    def _is_alike(self, tie: tuple[int, ...], row: Row) -> bool:
        """Tell whether to swap any two of these changes nothing."""
        if len(tie) == 1:
            return True
        state = self._space.pack(row)
        return all(self._renamed(row, self._swap(*two)) == state for two in pairwise(tie))

    def _swap(self, one: int, other: int) -> _Order:
        swap = {one: other, other: one}
        return tuple(swap.get(each, each) for each in self._everybody)

    # -- what a member is, names apart -----------------------------------------------------

    def _colour_of(self, key: tuple[int, int]) -> int:
        """Return a number for what a place has to do with a member of a group."""
        member, number = key
        local, inbox = self._space.places[number]
        # In which order they are kept depends on names and numbers.
        said = sorted(
            (item >= 0, self._envelope_colour[member, envelope_in(item)]) for item in inbox
        )
        return self._colours.of((self._local_colour[member, local], *said), None)

    def _local_colour_of(self, key: tuple[int, int]) -> int:
        member, number = key
        names = self._anonymous(member)
        actor, up, live, _ = self._cast.locals[number]
        who = names.get(self._cast.names[actor], actor)
        return self._colours.of((who, up, freeze(renamed(vars(live), names))), None)

    def _envelope_colour_of(self, key: tuple[int, int]) -> int:
        member, number = key
        names = self._anonymous(member)
        sender, _, message = self._cast.envelopes[number]
        return self._colours.of((names.get(sender, sender), freeze(renamed(message, names))), None)

    def _anonymous(self, member: int) -> dict[str, str]:
        names = self._cast.names
        anonymous = {
            names[each]: f"\0{at}" for at, group in enumerate(self._groups) for each in group
        }
        anonymous[names[member]] = "\0this"
        return anonymous

    # -- renaming --------------------------------------------------------------------------

    def _renamed(self, row: Row, order: _Order) -> int:
        """Return the state in which each actor's part is another one's."""
        space = self._space
        new = list(row)
        for actor, place in enumerate(row[: space.size]):
            new[order[actor]] = self._place[order, place]
        for slot, table in (
            (space.timers_slot, self._timers),
            (space.history_slot, self._history),
            (space.weather_slot, self._weather),
        ):
            new[slot] = table[order, row[slot]]
        return space.pack(new)

    def _names_of(self, order: _Order) -> dict[str, str]:
        names = self._cast.names
        return {names[actor]: names[to] for actor, to in enumerate(order) if actor != to}

    def _place_of(self, key: tuple[_Order, int]) -> int:
        order, number = key
        local, inbox = self._space.places[number]
        items = [
            self._envelope[order, item] if item >= 0 else ~self._envelope[order, ~item]
            for item in inbox
        ]
        return self._space.place(self._local[order, local], self._space.mail.sorted(items))

    def _local_of(self, key: tuple[_Order, int]) -> int:
        order, number = key
        actor, up, live, _ = self._cast.locals[number]
        return self._cast.local(order[actor], up=up, live=renamed(live, self._names[order]))

    def _envelope_of(self, key: tuple[_Order, int]) -> int:
        order, number = key
        names = self._names[order]
        sender, receiver, message = self._cast.envelopes[number]
        return self._cast.envelope(
            names.get(sender, sender), self._cast.names[order[receiver]], renamed(message, names)
        )

    def _timers_of(self, key: tuple[_Order, int]) -> int:
        return self._space.timers.renamed(key[1], self._names[key[0]])

    def _history_of(self, key: tuple[_Order, int]) -> int:
        cast, names = self._cast, self._names[key[0]]
        return self._space.history.renamed(
            key[1], lambda note: cast.note(renamed(cast.notes[note], names))
        )

    def _weather_of(self, key: tuple[_Order, int]) -> int:
        return self._space.weather.renamed(key[1], self._names[key[0]])

    # -- checks ----------------------------------------------------------------------------

    def _check(self, group: tuple[int, ...]) -> None:
        space, cast = self._space, self._cast
        for one, other in pairwise(group):
            order = self._swap(one, other)
            ours, theirs = cast.blueprints[one], cast.blueprints[other]
            made = cast.frozen(other, renamed(ours.original, self._names[order]))
            if (
                ours.cls is not theirs.cls
                or made != cast.frozen(other, theirs.original)
                or space.weather.crash_of(ours.name) != space.weather.crash_of(theirs.name)
                or self._renamed(space.unpack(space.start), order) != space.start
            ):
                raise ScenarioError(
                    thing=f"symmetric=({ours.name!r}, {theirs.name!r}, ...)",
                    problem="they are not alike, or something was made to tell them apart",
                    expected="actors of one class that start alike but for their names, which"
                    " nobody keeps in a list (a frozenset has no order; iterate it sorted)",
                )
