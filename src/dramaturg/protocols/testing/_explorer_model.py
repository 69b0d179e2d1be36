"""What is to be explored, and what came of it: two plain values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dramaturg.protocols._borders import (
    FUNCTION,
    ITERABLE,
    MAPPING,
    TEXTS,
    Kind,
    is_list,
    optional,
    several,
)
from dramaturg.protocols.testing._borders import (
    FORBIDDEN,
    check_given,
    check_kinds,
    check_name,
    is_check,
)
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Schedule
from dramaturg.protocols.testing._faults import NO_FAULTS, OF_NODES, Faults, Network, begins
from dramaturg.protocols.testing._properties import Broken, Check

__all__ = ["Exploration", "Model"]


def _is_sent(value: object) -> bool:
    return is_list(value) and len(value) == MESSAGE


_SENT = several(Kind(_is_sent, ""), "a list of messages: (sender, receiver, message)")
_GROUP = Kind(TEXTS.fits, "groups, each a list or tuple of names")
MESSAGE = 3


@dataclass(frozen=True, kw_only=True)
class Model:
    """Plain actors, what may happen to them, and what has to hold.

    :param actors: by name, in the order in which they start; each is copied, never called.
    :param sent: messages that are on their way before the start: (sender, receiver, message).
    :param free_timers: each timer that is set may ring at any moment, whatever it is set to.
    :param always: checks of every state, by name.
    :param at_rest: checks of the states in which nothing is left to do.
    :param sometimes: checks of which each has to hold in some state.
    :param boundary: a check; states in which it does not hold are left out, with all that
        would follow from them.
    :param history: what counts of the history. By default all of it in order, so that two
        states differ if the same was noted in another order, which is more than most
        properties ask: whether a history is linearizable depends only on which call ended
        before which began. A function from the notes so far, a tuple, to something hashable;
        histories for which that is equal are taken for the same, checks see one of them.
        Equal ones have to stay equal when the same note is added to both.
    :param symmetric: groups of actors that are alike but for their names: states that only
        swap such names are taken for the same. Checks must not tell the members apart.
    :raises ScenarioError: if a name is unknown or given twice, or a value is of no use.
    """

    actors: Mapping[str, object]
    sent: Sequence[tuple[str, str, Any]] = ()
    network: Network = Network.FIFO
    faults: Faults = NO_FAULTS
    free_timers: bool = False
    always: Mapping[str, Check] = field(default_factory=dict[str, Check])
    at_rest: Mapping[str, Check] = field(default_factory=dict[str, Check])
    sometimes: Mapping[str, Check] = field(default_factory=dict[str, Check])
    boundary: Check | None = None
    history: Callable[[tuple[Any, ...]], Hashable] | None = None
    symmetric: Iterable[Sequence[str]] = ()

    def __post_init__(self) -> None:
        if not self.actors:
            raise ScenarioError(thing="Model(actors={})", problem="nobody", expected="some actor")
        check_given(network=self.network, faults=self.faults, free_timers=self.free_timers)
        check_kinds(
            actors=(self.actors, MAPPING),
            sent=(self.sent, _SENT),
            always=(self.always, MAPPING),
            at_rest=(self.at_rest, MAPPING),
            sometimes=(self.sometimes, MAPPING),
            history=(self.history, optional(FUNCTION)),
            symmetric=(self.symmetric, ITERABLE),
        )
        for name in (*self.actors, *(each[0] for each in self.sent)):
            check_name("Model", name, FORBIDDEN)
        for sender, receiver, message in self.sent:
            self._known(f"Model(sent={sender!r} -> {receiver!r}: {message!r})", [receiver])
        self._check_budgets()
        self._check_checks()
        groups = tuple(self.symmetric)
        for group in groups:
            check_kinds(symmetric=(group, _GROUP))
        object.__setattr__(self, "symmetric", tuple(map(tuple, groups)))
        members = [name for group in self.symmetric for name in group]
        self._known(f"Model(symmetric={self.symmetric!r})", members)
        if len(set(members)) != len(members):
            raise ScenarioError(
                thing=f"Model(symmetric={self.symmetric!r})",
                problem="names an actor twice",
                expected="each in one group at most",
            )

    def _known(self, thing: str, names: Iterable[str]) -> None:
        for name in names:
            if not isinstance(name, str) or name not in self.actors:
                raise ScenarioError(
                    thing=thing, problem=f"{name!r} is no actor", expected=", ".join(self.actors)
                )

    def _check_budgets(self) -> None:
        self.faults.forbid("a Model", *OF_NODES, expected="a simulation of real systems")
        self.faults.forbid("a Model", "delays", "slow", expected="explore(), or early_timers")
        for beginning in self.faults.crash_budgets():
            if beginning and not any(begins(name, beginning) for name in self.actors):
                raise ScenarioError(
                    thing=f"Faults(crashes={{{beginning!r}: ...}})",
                    problem="is the beginning of no actor's name",
                    expected=", ".join(self.actors),
                )

    def _check_checks(self) -> None:
        checks = [*self.always.items(), *self.at_rest.items(), *self.sometimes.items()]
        if self.boundary is not None:
            checks.append(("boundary", self.boundary))
        for name, check in checks:
            if not is_check(check) or not isinstance(name, str):
                raise ScenarioError(
                    thing=f"{name} ({check!r})",
                    problem="is no check",
                    expected="a `def` function of the view, under a text for its name",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """What came of exploring a model.

    :param states: how many different ones were reached, the first included.
    :param transitions: how many ways from one to a next one were followed.
    :param depth: how many events it takes to the furthest of them.
    :param bound: which limit was reached, and how to raise it; None if the search is complete.
    :param outside: how many states were left out because of the boundary of the model.
    :param broken: the property that does not hold.
    :param schedule: the shortest way to break it, as names of events.
    :param reached: a shortest schedule to each of the ``sometimes`` that was reached.
    """

    states: int
    transitions: int
    depth: int
    bound: str | None
    outside: int
    broken: Broken | None
    schedule: Schedule
    reached: Mapping[str, Schedule]

    @property
    def complete(self) -> bool:
        """Whether no limit cut the search off; one that broke a property has not gone on."""
        return self.bound is None

    @property
    def verdict(self) -> Literal["pass", "fail", "unknown"]:
        """``fail`` if a property is broken, ``unknown`` if a bound was reached, else ``pass``."""
        if self.broken is not None:
            return "fail"
        return "pass" if self.complete else "unknown"

    def __str__(self) -> str:
        extent = "complete" if self.bound is None else self.bound
        if self.broken is None:
            return f"{self.verdict}: {self.states} states, {extent}"
        why = f" ({self.broken.detail})" if self.broken.detail else ""
        way = ", ".join(self.schedule) or "at once"
        return f"fail: {self.broken.name}{why} after {self.states} states: {way}"
