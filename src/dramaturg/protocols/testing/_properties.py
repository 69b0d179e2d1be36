"""Properties: what has to hold in every run, always or at some time.

========================  ==================================================================
``always``                after the start and after each event
``at_rest``               when nothing is left to do: all messages delivered, everybody up,
                          no timer set
``eventually``            at some moment: by the end of the run, or within virtual seconds
``leads_to``              whenever the one holds, the other holds then or at a later moment
``sometimes``             at some moment of some run: it fails if it was never reached, so
                          that a scenario which cannot show anything does not pass
========================  ==================================================================

A check is a function of the view of a run. It does not hold if it returns something
false, other than None, or raises an ``AssertionError``; what it says is then in the report.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dramaturg.protocols._borders import SECONDS, TEXT, optional, shown
from dramaturg.protocols.testing._borders import check_kinds, is_check
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._places import told

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Broken", "Check", "Observer", "Properties", "failed"]

Check: TypeAlias = "Callable[[Any], object]"


_SILENT = (bool, int, float, str, list, tuple, dict, set, frozenset)
"""Results that say nothing but that they are false."""


class Broken(NamedTuple):
    """A property that does not hold."""

    name: str
    """Which: two failures are the same if their names are."""
    detail: str
    """Why, if the check has said so."""


@dataclass(frozen=True, slots=True)
class _Later:
    """Something that has to hold before the run is over."""

    name: str
    cause: Check | None
    effect: Check
    within: float | None


class Properties:
    """What a scenario has declared."""

    def __init__(self) -> None:
        self.always: list[tuple[str, Check]] = []
        self.at_rest: list[tuple[str, Check]] = []
        self.sometimes: list[tuple[str, Check]] = []
        self.later: list[_Later] = []

    def add(self, kind: str, check: Check, name: str | None) -> None:
        """Declare a property of the kinds that are a single check.

        :raises ScenarioError: if it is no function, or another property has the name.
        """
        getattr(self, kind).append((self._name(kind, check, name), check))

    def add_later(
        self, kind: str, cause: Check | None, effect: Check, within: float | None, name: str | None
    ) -> None:
        """Declare an ``eventually`` or a ``leads_to``.

        :raises ScenarioError: as :meth:`add`, and if ``within`` is not positive.
        """
        if within is not None and not (SECONDS.fits(within) and within):
            raise ScenarioError(
                thing=f"{kind}(within={within!r})", problem="no time", expected="seconds above 0"
            )
        if kind == "leads_to" and not is_check(cause):
            raise _no_check(kind, cause)
        self.later.append(_Later(self._name(kind, effect, name), cause, effect, within))

    @property
    def names(self) -> list[str]:
        """The names of all of them."""
        single = [*self.always, *self.at_rest, *self.sometimes]
        return [name for name, _ in single] + [each.name for each in self.later]

    @property
    def decide_before_rest(self) -> bool:
        """Whether there is one that is looked at after each event."""
        return bool(self.always or self.sometimes or self.later)

    def _name(self, kind: str, check: Check, name: str | None) -> str:
        if not is_check(check):
            raise _no_check(kind, check)
        check_kinds(name=(name, optional(TEXT)))
        found = f"{kind} {name or _said(check)}"
        if found in self.names:
            raise ScenarioError(
                thing=found, problem="is declared twice", expected="a name= of its own for each"
            )
        return found


def _said(check: Any) -> str:
    """Return what a check without a name is called: a lambda by the line that it is in."""
    said: str = getattr(check, "__name__", type(check).__name__)
    code = getattr(check, "__code__", None)
    if said != "<lambda>" or code is None:
        return said
    return f"check at {PurePath(code.co_filename).name}:{code.co_firstlineno}"


def _no_check(kind: str, check: object) -> ScenarioError:
    return ScenarioError(
        thing=f"{kind}({shown(check)})",
        problem="is no check",
        expected="a `def` function of the view",
    )


class Observer:
    """Looks after the properties of one run."""

    __slots__ = (
        "_always",
        "_clock",
        "_later",
        "_open",
        "_properties",
        "_sometimes",
        "_unreached",
        "_view",
        "reached",
    )

    def __init__(
        self, properties: Properties, view: Any, clock: Callable[[], float] | None = None
    ) -> None:
        """Begin to look.

        :param clock: tells the seconds that ``within`` counts; default the view's.
        """
        self._properties = properties
        self._view = view
        self._clock = clock
        self._always = properties.always
        self._unreached: dict[str, Check] = {}
        # What is still to come, with since when.
        self._open: dict[_Later, float] = {}
        self.reached: set[str] = set()
        # A scenario may declare them while it runs: how many of each are known.
        self._sometimes = 0
        self._later = 0

    def look(self) -> Broken | None:
        """See to what holds now; after the start and after each event."""
        view = self._view
        for name, check in self._always:
            broken = failed(name, check, view)
            if broken is not None:
                return broken
        properties = self._properties
        if self._unreached or len(properties.sometimes) > self._sometimes:
            self._look_for_what_is_reached()
        return self._look_later() if properties.later else None

    def rest(self) -> Broken | None:
        """See to what has to hold at the end."""
        for name, check in self._properties.at_rest:
            broken = failed(name, check, self._view)
            if broken is not None:
                return broken
        self._note_later(self._now())
        for each in self._open:
            return Broken(each.name, "did not come to hold before the end")
        return None

    def _look_for_what_is_reached(self) -> None:
        view = self._view
        declared = self._properties.sometimes
        self._unreached.update(declared[self._sometimes :])
        self._sometimes = len(declared)
        found = [name for name, check in self._unreached.items() if _holds(check, view)]
        for name in found:
            del self._unreached[name]
            self.reached.add(name)

    def _now(self) -> float:
        return float(self._view.now) if self._clock is None else self._clock()

    def _note_later(self, now: float) -> None:
        """Begin to wait for what has been declared since."""
        declared = self._properties.later
        for each in declared[self._later :]:
            if each.cause is None:
                self._open[each] = now
        self._later = len(declared)

    def _look_later(self) -> Broken | None:
        view = self._view
        now = self._now()
        self._note_later(now)
        for each in self._properties.later:
            cause = each.cause if each not in self._open else None
            if cause is not None and _holds(cause, view):
                self._open[each] = now
            since = self._open.get(each)
            if since is None:
                continue
            # Being late goes first: at that moment it may hold at last.
            if each.within is not None and now - since > each.within:
                return Broken(each.name, f"did not hold within {each.within:g} s")
            if _holds(each.effect, view):
                del self._open[each]
        return None


def failed(name: str, check: Check, view: Any) -> Broken | None:
    """Return the property as broken if its check does not hold."""
    try:
        held = check(view)
    except AssertionError as error:
        return Broken(name, str(error) or told(error))
    except ScenarioError:
        raise
    except Exception as error:  # noqa: BLE001 - an actor that has gone is None, for instance
        missed = "" if not hasattr(view, "missed") else view.missed(error)
        return Broken(name, f"the check raises {type(error).__name__}: {told(error)}{missed}")
    if held is None or held:
        return None
    return Broken(name, "" if held.__class__ in _SILENT else str(held))


def _holds(check: Check, view: Any) -> bool:
    """Tell what :func:`failed` says, where nobody asks why; most of the time it does not hold."""
    try:
        held = check(view)
    except ScenarioError:
        raise
    except Exception:  # noqa: BLE001 - as above
        return False
    return held is None or bool(held)
