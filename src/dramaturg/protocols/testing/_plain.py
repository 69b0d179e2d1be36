"""Plain actors: classes without a runtime, whose handlers return what they send.

What such a class may have::

    class Participant:
        durable = ("vote",)                      # the fields that survive a crash

        def on_start(self): ...                  # once, when the run begins
        def on_message(self, sender, message): ...
        def on_timer(self, name): ...
        def on_crash(self): ...                  # the last look at the fields, returns nothing
        def on_restart(self): ...                # the other fields are as they were made

Only ``on_message`` has to be there. Each returns a list of what it wants to happen, or
None: ``(destination, message)``, ``SetTimer``, ``CancelTimer``, ``Noted``. Messages have
to be hashable (frozen), and fields made of what :func:`freeze` understands.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

from dramaturg.protocols._borders import TEXTS
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._freeze import freeze
from dramaturg.protocols.testing._outputs import NOTHING, Effects, effects_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Blueprint"]


class Blueprint:
    """One actor as the scenario gave it: how to call it, copy it, crash it."""

    __slots__ = ("cls", "durable", "name", "original")

    def __init__(self, name: str, actor: Any, *, to_copy: bool = True) -> None:
        """Check the actor and keep a copy of it as it is.

        :param to_copy: False if it will never be asked for a new one.
        :raises ScenarioError: if it has no ``on_message``, or ``durable`` names no fields of it.
        """
        self.name = name
        self.cls: type[Any] = type(actor)
        if isinstance(actor, type):
            raise ScenarioError(
                thing=name, problem="is a class", expected=f"an actor: {actor.__qualname__}(...)"
            )
        if not callable(getattr(actor, "on_message", None)):
            raise ScenarioError(
                thing=name, problem=f"{self.cls.__qualname__} has no on_message", expected="one"
            )
        durable = getattr(actor, "durable", ())
        if durable != ():
            check_kinds(**{f"{name}.durable": (durable, TEXTS)})
        self.durable: tuple[str, ...] = tuple(durable)
        for field in self.durable:
            if not hasattr(actor, field):
                raise ScenarioError(
                    thing=name,
                    problem=f"durable names {field!r}, which {self.cls.__qualname__} has not",
                    expected="names of fields that __init__ sets",
                )
        self.original = copied(actor) if to_copy else actor

    def new(self) -> Any:
        """Return the actor as it was made."""
        return copied(self.original)

    def after_crash(self, crashed: Any) -> Any:
        """Return the actor of the next incarnation: only what is durable has survived."""
        actor = self.new()
        for field in self.durable:
            setattr(actor, field, copy.deepcopy(getattr(crashed, field)))
        return actor

    def state(self, actor: Any) -> Any:
        """Return the actor's fields in a hashable form, equal for equal fields."""
        return freeze(vars(actor), self.name)

    def start(self, actor: Any) -> Effects:
        """Call ``on_start``."""
        return self._call(actor, "on_start")

    def message(self, actor: Any, sender: str, message: Any) -> Effects:
        """Call ``on_message``."""
        outputs = actor.on_message(sender, message)
        return effects_of(actor.on_message, outputs) if outputs else NOTHING

    def timer(self, actor: Any, timer: str) -> Effects:
        """Call ``on_timer``.

        :raises ScenarioError: if the actor has set a timer and has no ``on_timer``.
        """
        if not hasattr(actor, "on_timer"):
            raise ScenarioError(
                thing=self.name,
                problem=f"set the timer {timer!r} and has no on_timer",
                expected=f"{self.cls.__qualname__}.on_timer(self, name)",
            )
        return effects_of(actor.on_timer, actor.on_timer(timer))

    def crash(self, actor: Any) -> None:
        """Call ``on_crash``."""
        self._call(actor, "on_crash")

    def restart(self, actor: Any) -> Effects:
        """Call ``on_restart``, of the new incarnation."""
        return self._call(actor, "on_restart")

    def _call(self, actor: Any, hook: str) -> Effects:
        method = getattr(actor, hook, None)
        return NOTHING if method is None else effects_of(method, method())

    def fields(self, actor: Any) -> Mapping[str, Any]:
        """Return the actor's fields, for reports."""
        return dict(cast("dict[str, Any]", vars(actor)))


def _is_copied_by_fields(cls: type[object]) -> bool:
    """Tell whether a class leaves copying to its fields."""
    return all(getattr(cls, name, None) is of_object for name, of_object in _COPYING)


_COPYING = tuple(
    (name, getattr(object, name, None))
    for name in (
        "__deepcopy__",
        "__reduce_ex__",
        "__reduce__",
        "__getstate__",
        "__setstate__",
        "__getnewargs__",
        "__getnewargs_ex__",
        "__new__",
        "__slots__",
    )
)
"""What a class may have to be copied in its own way, and what a plain one has."""

_SAME = frozenset({int, str, bool, float, bytes, type(None)})
"""Of what a copy would be the same object."""


def copied(actor: Any) -> Any:
    """Return a deep copy of an actor: what :func:`copy.deepcopy` does, faster for most.

    All actors of a world are copied in each of many runs, and most have simple fields.
    """
    cls = cast("type[object]", actor.__class__)
    fields: dict[str, Any] | None = getattr(actor, "__dict__", None)
    if fields is None or not _is_copied_by_fields(cls):
        return copy.deepcopy(actor)
    same = object.__new__(cls)
    memo: dict[int, Any] = {id(actor): same}
    for name, value in fields.items():
        same.__dict__[name] = value if value.__class__ in _SAME else copy.deepcopy(value, memo)
    return same
