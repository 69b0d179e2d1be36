"""The words in which a machine's table is written; each gives a new value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, Literal, Self, TypeAlias, TypeVar, cast, final, overload

from dramaturg.actors import Message
from dramaturg.protocols.state_machines._errors import MachineDefinitionError
from dramaturg.protocols.state_machines._step import Step
from dramaturg.protocols.state_machines._timer import (
    STATE_TIMEOUT,
    Seconds,
    Timeout,
    Timer,
    Timing,
    check_span,
    span,
)

__all__ = [
    "Hook",
    "Part",
    "Table",
    "Transition",
    "Trigger",
    "after",
    "entering",
    "leaving",
    "name_of",
    "on",
    "postpone",
    "transitions",
    "trigger_name",
]

E = TypeVar("E")
M = TypeVar("M", bound=Message)
Trigger: TypeAlias = "type[Message] | Timer"
Outcome = Literal["", "to", "keep", "repeat", "postpone"]


def wrong(part: object, problem: str) -> MachineDefinitionError:
    """Make the error for a part that no machine has yet."""
    return MachineDefinitionError(machine="a state machine", part=str(part), problem=problem)


def name_of(function: Any) -> str:
    """Name a guard or an action for people."""
    name = getattr(function, "__name__", type(function).__name__)
    return "a lambda" if name == "<lambda>" else str(name)


def trigger_name(trigger: Trigger) -> str:
    """Name what a transition waits for."""
    return str(trigger) if isinstance(trigger, Timer) else trigger.__name__


DATA_AND_EVENT = ("data", "event")
MACHINE_AND_STEP = ("machine", "step")


def _functions(part: object, what: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    for each in given:
        if not callable(each) or isinstance(each, type):
            raise wrong(part, f"{what} {each!r}: expected a function")
    for each in given:
        _check_takes(part, what, each, MACHINE_AND_STEP if what == "do" else DATA_AND_EVENT)
        if what != "do":
            _check_is_plain(part, what, each)
    return given


def _check_takes(part: object, what: str, function: Any, given: tuple[str, str]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some of those that are written in C do not say
        return
    try:
        signature.bind(*given)
    except TypeError:
        problem = f"{what}({name_of(function)}) takes {signature}: expected ({', '.join(given)})"
        raise wrong(part, problem) from None


def _check_is_plain(part: object, what: str, function: Any) -> None:
    """Refuse what answers later: the table is decided at once, and again in each recovery."""
    for each in (function, getattr(function, "__call__", None)):  # noqa: B004 - to look into it
        if inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each):
            problem = f"{what}({name_of(function)}) is async: expected a pure function, a plain def"
            raise wrong(part, problem)


@dataclass(frozen=True)
class Part(Generic[E]):
    """What transitions and hooks have in common."""

    states: tuple[Enum, ...] = ()
    updates: tuple[Callable[[Any, E], Any], ...] = ()
    timings: tuple[Timing, ...] = ()
    actions: tuple[Callable[[Any, Step[E, Any]], Any], ...] = ()

    def updating(self, update: Callable[[Any, E], Any]) -> Self:
        """Give the machine new data: a pure function of data and event.

        It runs when the event is taken, and again in each recovery.
        """
        return replace(self, updates=self.updates + _functions(self, "updating", (update,)))

    def timing(self, *timings: Timing) -> Self:
        """Start or cancel timers, as part of the transition; the last word on each counts.

        :raises MachineDefinitionError: if it is not what a :class:`Timer` makes.
        """
        for each in timings:
            if not isinstance(cast("object", each), Timing):
                raise wrong(self, f"timing {each!r}: expected Timer(...).start(...) or alike")
            given = [each.seconds, each.content]
            _functions(self, "timing", tuple(part for part in given if callable(part)))
        return replace(self, timings=self.timings + timings)

    def do(self, *actions: Callable[[Any, Step[E, Any]], Any]) -> Self:
        """Act after the transition is stored, one action after the other.

        An action, ``def`` or ``async def``, takes the machine and a :class:`Step`; a method
        will do. It holds the machine until it is done. One that was not known to be done is run
        again in recovery, under the same key.
        """
        return replace(self, actions=self.actions + _functions(self, "do", actions))


@final
@dataclass(frozen=True)
class Transition(Part[E]):
    """A line of a table: what an event leads to. Made by :func:`on` and :func:`after`."""

    triggers: tuple[Trigger, ...] = ()
    outcome: Outcome = ""
    target: Enum | None = None
    guards: tuple[Callable[[Any, E], bool], ...] = ()
    inserts: tuple[Any, ...] = ()
    reply: Callable[[Any, E], Any] | None = None
    name: str | None = None
    patience: Seconds = None
    """After so long in its states the state timeout comes."""

    def at(self, *states: Enum) -> Self:
        """Say in which states."""
        return replace(self, states=self.states + states)

    def _ending(self, outcome: Outcome, target: Enum | None = None) -> Self:
        if self.outcome:
            raise wrong(self, f"leads somewhere already: it cannot {outcome} as well")
        return replace(self, outcome=outcome, target=target)

    def to(self, state: Enum) -> Self:
        """Change the state.

        That cancels the state timeout, runs the hooks, and takes up what was postponed.
        """
        return self._ending("to", state)

    def keep(self) -> Self:
        """Keep the state: no hooks, the state timeout goes on, what is postponed stays so."""
        return self._ending("keep")

    def repeat(self) -> Self:
        """Keep the state, but enter it again: its ``entering`` runs, and ``after`` begins anew."""
        return self._ending("repeat")

    def when(self, *guards: Callable[[Any, E], bool]) -> Self:
        """Do it only if all of these say so: pure functions of data and event."""
        return replace(self, guards=self.guards + _functions(self, "when", guards))

    def inserting(self, *events: Message | Callable[[Any, E], Message]) -> Self:
        """Have these come next, before all that is queued.

        :param events: messages, or functions of the new data and the event that give one.
        """
        made = [each for each in events if callable(each) and not isinstance(each, type | Message)]
        _functions(self, "inserting", tuple(made))
        return replace(self, inserts=self.inserts + events)

    def replying(self, reply: Callable[[Any, E], Any]) -> Self:
        """Answer a request with what a pure function makes of the new data and the event."""
        return replace(self, reply=_functions(self, "replying", (reply,))[0])

    def named(self, name: str) -> Self:
        """Give it a name of its own in the journal; default is what it looks like.

        Recovery finds a transition by its name. Those of one state that look alike are told
        apart by their order, which a name makes free to change.
        """
        if not isinstance(cast("object", name), str) or not name:
            raise wrong(self, f"named({name!r}): expected a text")
        return replace(self, name=name)

    def __str__(self) -> str:
        return " or ".join(map(self.line, self.triggers)) or "on()"

    def line(self, trigger: Trigger) -> str:
        """Write it for one of its events."""
        name = trigger_name(trigger)
        match self.outcome:
            case "to":
                return f"{name} -> {_state(self.target)}"
            case "":
                return name
            case outcome:
                return f"{name} {outcome}"


def _state(state: object) -> str:
    return state.name if isinstance(state, Enum) else repr(state)


@final
@dataclass(frozen=True)
class Hook(Part[Any]):
    """What is done whenever a state is entered or left. Made by :func:`entering` and so on."""

    when: Literal["entering", "leaving"] = "entering"

    def __str__(self) -> str:
        return f"{self.when}({', '.join(map(_state, self.states))})"


Table: TypeAlias = "tuple[Transition[Any] | Hook, ...]"


@overload
def on(*triggers: Timer) -> Transition[Timeout]: ...
@overload
def on(*triggers: type[M]) -> Transition[M]: ...
@overload
def on(*triggers: Trigger) -> Transition[Any]: ...
def on(*triggers: Any) -> Transition[Any]:
    """Begin a transition: upon a message of one of these types, or when one of these timers ends.

    ::

        on(Pay).at(NEW).to(PAID).when(enough).updating(paid).do(charge)

    :raises MachineDefinitionError: if it is neither a type of messages nor a :class:`Timer`.
    """
    for each in triggers:
        if isinstance(each, Timer):
            continue
        if not isinstance(each, type) or not issubclass(each, Message) or each is Timeout:
            raise wrong("on()", f"{each!r}: expected types of messages, or timers")
    if not triggers:
        raise wrong("on()", "expected types of messages, or timers")
    return Transition(triggers=triggers)


def after(seconds: Seconds) -> Transition[Timeout]:
    """Begin a transition: after so many seconds in a state, counted from when it was entered.

    That is the state timeout, started with the state. What is left of it survives a restart.

    :param seconds: or a function of data and event; the one that gives None waits for ever.
    :raises OptionError: if it is no time.
    """
    if seconds is None:
        raise wrong("after(None)", "would never come: expected seconds")
    if callable(seconds):
        _functions("after(...)", "after", (seconds,))
    patience = seconds if callable(seconds) else check_span(seconds)
    return Transition(triggers=(STATE_TIMEOUT,), patience=patience)


def postpone(*triggers: Trigger) -> Transition[Any]:
    """Begin a line for events that are not for now: they come again when the state changes.

    They are journaled, so that they come also after a restart; who asked waits meanwhile.
    """
    return on(*triggers)._ending("postpone")


def entering(*states: Enum) -> Hook:
    """Begin a line for whenever one of these is entered; also the first, when all begins."""
    return Hook(states=states, when="entering")


def leaving(*states: Enum) -> Hook:
    """Begin a line for whenever one of these is left."""
    return Hook(states=states, when="leaving")


def transitions(*parts: Transition[Any] | Hook) -> Table:
    """Put a table together.

    :raises MachineDefinitionError: for what is no part of one, or a part that is not finished.
    """
    for part in parts:
        if not isinstance(cast("object", part), Transition | Hook):
            raise wrong(repr(part), "is no part of a table: expected on(...), entering(...)...")
        if not part.states:
            states = "at(...)" if isinstance(part, Transition) else "states"
            raise wrong(part, f"says nowhere when it holds: {states} is missing")
        if isinstance(part, Transition):
            if not part.outcome:
                raise wrong(part, "leads nowhere: to(...), keep() or repeat() is missing")
            _check_postponing(part)
    return parts


def _check_postponing(part: Transition[Any]) -> None:
    other = part.updates or part.timings or part.actions or part.inserts or part.reply
    if part.outcome == "postpone" and other:
        raise wrong(part, "a postponed event does nothing yet: only at(...) and when(...) fit")


def described(part: Part[Any]) -> str:
    """Write what else a part does, for diagrams."""
    words: list[str] = []
    if isinstance(part, Transition):
        words += [f"[{name_of(each)}]" for each in part.guards]
        if part.patience is not None:
            words.insert(0, f"({span(part.patience)})")
    if part.actions:
        words.append("/ " + ", ".join(map(name_of, part.actions)))
    return " ".join(words)
