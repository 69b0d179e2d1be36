"""The actors of a model: their local states, what they say, and what each step of theirs does.

Everything has a number. A step, that is an actor in one of its states and what happens to
it, is executed once, on a copy; from then on it is a look-up.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._explorer_lazy import Ids, Lazy
from dramaturg.protocols.testing._freeze import freeze
from dramaturg.protocols.testing._outputs import NOTHING, CancelTimer, Effects, SetTimer
from dramaturg.protocols.testing._places import told
from dramaturg.protocols.testing._plain import Blueprint
from dramaturg.protocols.testing._properties import Broken

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Cast", "Cause", "Differs", "Envelope", "Local", "Step"]

ALL_TWICE = 64
"""So many steps are executed twice, to see that they do the same..."""
SOME_TWICE = 16
"""... and from then on each so-manieth."""

Cause: TypeAlias = "tuple[str, int | str]"
"""What happens to an actor: ("message", number of the envelope), ("timer", its name), or
("start", ""), ("crash", ""), ("restart", "")."""


class Local(NamedTuple):
    """A state of one actor."""

    actor: int
    up: bool
    live: Any
    """The actor itself in that state: to be copied and to be looked at, never to be changed."""
    frozen: Any


class Envelope(NamedTuple):
    """A message from somebody to somebody."""

    sender: str
    receiver: int
    message: Any


class Step(NamedTuple):
    """What a step has led to."""

    local: int
    sent: tuple[int, ...] = ()
    timers: tuple[SetTimer | CancelTimer, ...] = ()
    notes: tuple[int, ...] = ()
    broken: Broken | None = None

    def is_ignored(self, before: int) -> bool:
        """Tell whether nothing has come of it."""
        return self == Step(before)


class Differs(Exception):  # noqa: N818 - a signal to the search, which knows the way to here
    """A step did something else the second time."""

    def __init__(self, handler: str, first: str, second: str) -> None:
        self.handler = handler
        self.first = first
        self.second = second
        super().__init__(handler, first, second)


class Cast:
    """The actors of one search."""

    def __init__(self, actors: Mapping[str, object]) -> None:
        self.names = list(actors)
        self.blueprints = [_blueprint(name, actor) for name, actor in actors.items()]
        self.index = {name: number for number, name in enumerate(self.names)}
        self._locals: Ids[Any, Local] = Ids()
        self._envelopes: Ids[Any, Envelope] = Ids()
        self._notes: Ids[Any, Any] = Ids()
        self.locals = self._locals.values
        self.envelopes = self._envelopes.values
        self.notes = self._notes.values
        self.step: Lazy[tuple[int, Cause], Step] = Lazy(self._take)
        """What a local state and a cause lead to."""

    # -- numbers ---------------------------------------------------------------------------

    def local(self, actor: int, *, up: bool, live: Any) -> int:
        """Return the number of a state of an actor; it may keep the object."""
        frozen = self.frozen(actor, live)
        return self._locals.of((actor, up, frozen), Local(actor, up, live, frozen))

    def frozen(self, actor: int, live: Any) -> Any:
        """Return the hashable form of an actor.

        :raises ScenarioError: that names the field which has none.
        """
        blueprint = self.blueprints[actor]
        try:
            return blueprint.state(live)
        except TypeError:
            raise ScenarioError(
                thing=blueprint.name,
                problem=f"{blueprint.cls.__qualname__} has no fields to look at",
                expected="a class without __slots__",
            ) from None
        except ScenarioError:
            for field, value in blueprint.fields(live).items():
                freeze(value, f"{blueprint.name}.{field}")
            raise

    def envelope(self, sender: str, receiver: str, message: Any) -> int:
        """Return the number of a message from somebody to somebody.

        :raises ScenarioError: if there is no such receiver, or the message cannot be hashed.
        """
        index = self.index.get(receiver)
        if index is None:
            raise ScenarioError(
                thing=sender,
                problem=f"sends {message!r} to {receiver!r}",
                expected=f"one of {', '.join(self.names)}",
            )
        try:
            hash(message)
        except TypeError:
            raise ScenarioError(
                thing=sender, problem=f"sends {message!r}", expected="messages that can be hashed"
            ) from None
        frozen = freeze(message, f"a message of {sender}")
        return self._envelopes.of((sender, index, frozen), Envelope(sender, index, message))

    def note(self, value: Any) -> int:
        """Return the number of something noted."""
        return self._notes.of(freeze(value, "a note"), value)

    # -- steps -----------------------------------------------------------------------------

    def _take(self, key: tuple[int, Cause]) -> Step:
        step = self._execute(*key)
        taken = len(self.step)
        if taken < ALL_TWICE or taken % SOME_TWICE == 0:
            again = self._execute(*key)
            if again != step:
                raise Differs(self._handler(*key), self._said(step), self._said(again))
        return step

    def _execute(self, number: int, cause: Cause) -> Step:
        actor, up, live, _ = self.locals[number]
        blueprint = self.blueprints[actor]
        live = copied(blueprint.name, live)
        kind, what = cause
        effects = NOTHING
        try:
            if kind == "message":
                envelope = self.envelopes[int(what)]
                # Whatever is done to it, the next to get this message gets it as it was sent.
                message = copy.deepcopy(envelope.message)
                effects = blueprint.message(live, envelope.sender, message)
            elif kind == "timer":
                effects = blueprint.timer(live, str(what))
            elif kind == "crash":
                blueprint.crash(live)
                live, up = blueprint.after_crash(live), False
            elif kind == "restart":
                effects, up = blueprint.restart(live), True
            else:
                effects = blueprint.start(live)
        except ScenarioError:
            raise
        except Exception as error:
            if kind == "start":
                raise
            name = f"{blueprint.name} raises {type(error).__name__}"
            return Step(number, broken=Broken(name, told(error)))
        return self._published(actor, self.local(actor, up=up, live=live), effects)

    def _published(self, actor: int, local: int, effects: Effects) -> Step:
        name = self.names[actor]
        sent = tuple(self.envelope(name, to, message) for to, message in effects.messages)
        notes = tuple(self.note(value) for value in effects.notes)
        return Step(local, sent, effects.timers, notes)

    # -- for errors ------------------------------------------------------------------------

    def _handler(self, number: int, cause: Cause) -> str:
        actor = self.blueprints[self.locals[number].actor]
        kind, what = cause
        if kind == "message":
            return f"{actor.name}.on_message of {self.envelopes[int(what)].message!r}"
        return f"{actor.name}.on_{kind}" + (f" of {what!r}" if what else "")

    def _said(self, step: Step) -> str:
        if step.broken is not None:
            return step.broken.detail
        outputs: list[Any] = [
            (self.names[self.envelopes[each].receiver], self.envelopes[each].message)
            for each in step.sent
        ]
        outputs += [*step.timers, *(self.notes[each] for each in step.notes)]
        return f"{outputs!r} and the fields {vars(self.locals[step.local].live)!r}"


def copied(name: str, actor: Any) -> Any:
    """Return a copy of an actor.

    :raises ScenarioError: that names the field which cannot be copied.
    """
    try:
        return copy.deepcopy(actor)
    except Exception as error:
        raise _uncopied(name, actor, error) from error


def _blueprint(name: str, actor: object) -> Blueprint:
    try:
        return Blueprint(name, actor)
    except ScenarioError:
        raise
    except Exception as error:
        raise _uncopied(name, actor, error) from error


def _uncopied(name: str, actor: object, error: Exception) -> ScenarioError:
    for field, value in getattr(actor, "__dict__", {}).items():
        try:
            copy.deepcopy(value)
        except Exception as found:  # noqa: BLE001 - whatever a field's own copying raises
            name, error = f"{name}.{field}", found
            break
    return ScenarioError(thing=name, problem=f"cannot be copied: {error}", expected="plain fields")
