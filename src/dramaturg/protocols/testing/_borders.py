"""What may come over the border of the kit; what may not is a :class:`ScenarioError`.

An option means the same wherever it is taken, and so it is checked in one way.
"""

from __future__ import annotations

from inspect import (
    isasyncgenfunction,
    iscoroutinefunction,
    isgeneratorfunction,
    signature,
)
from typing import TYPE_CHECKING, Any

from dramaturg.protocols._borders import (
    BOOL,
    INT,
    SECONDS,
    TEXTS,
    Given,
    Kind,
    at_least,
    instance,
    optional,
    shown,
)
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._escapes import ESCAPES
from dramaturg.protocols.testing._faults import Faults, Network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dramaturg.protocols.testing._world import World

__all__ = [
    "FORBIDDEN",
    "check_filled",
    "check_given",
    "check_kinds",
    "check_name",
    "check_passed_on",
    "check_scenario",
    "is_check",
    "options_of",
    "takes",
]

FORBIDDEN = " ,|>#/'"
"""What stands between names in the names of events."""

PROTOCOL = instance(Protocol, "a Protocol")
HORIZON = Kind(lambda value: SECONDS.fits(value) or value == float("inf"), "seconds, at least 0")


def _is_allowed(value: Any) -> bool:
    return TEXTS.fits(value) and set(value) <= ESCAPES.keys()


ALLOWED = Kind(
    _is_allowed,
    f"several of {', '.join(ESCAPES)}, such as ('clock',)",
)

KINDS = {
    "allow": ALLOWED,
    "any_sender_first": BOOL,
    "calm": BOOL,
    "deadlines_help": BOOL,
    "events": at_least(1),
    "exhaustive": BOOL,
    "faults": instance(Faults, "Faults(...)"),
    "finishes": BOOL,
    "free_timers": BOOL,
    "horizon": HORIZON,
    "illegal": at_least(0),
    "length": at_least(1),
    "max_depth": optional(at_least(0)),
    "max_states": at_least(1),
    "max_steps": at_least(1),
    "may_wait": TEXTS,
    "most": at_least(0),
    "network": instance(Network, "Network.FIFO or Network.UNORDERED"),
    "protocol": PROTOCOL,
    "schedules": optional(at_least(1)),
    "seed": optional(INT),
    "values": at_least(1),
}


def check_given(**options: object) -> None:
    """Check options that go by these names everywhere; others are left to whoever knows them.

    :raises ScenarioError: for the first that cannot be used.
    """
    known = {name: (value, KINDS[name]) for name, value in options.items() if name in KINDS}
    check_kinds(**known)


def options_of(function: Callable[..., Any]) -> list[str]:
    """Return the names of a function's options, or of a class's."""
    parameters = signature(function).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def check_passed_on(
    who: str, options: Mapping[str, object], to: Callable[..., Any], *, system: bool
) -> None:
    """Check options that are passed on to a function.

    :raises ScenarioError: for one that it does not have, or that cannot be used.
    """
    known = options_of(to)
    for each in options:
        if each not in known:
            raise ScenarioError(
                thing=f"{who}({each}=...)",
                problem=f"no option for {'a system' if system else 'a world'}",
                expected=f"some of {', '.join(known)}",
            )
    check_given(**options)


def check_kinds(**given: Given) -> None:
    """Check values, each with its kind.

    :raises ScenarioError: for the first that is of another kind.
    """
    for name, (value, kind) in given.items():
        if not kind.fits(value):
            raise ScenarioError(
                thing=f"{name}={shown(value)}", problem="cannot be used", expected=kind.expected
            )


def check_name(thing: str, name: object, forbidden: str) -> None:
    """Check a name that stands in the names of events.

    :param thing: what it names, for the text of an error: ``node``.
    :raises ScenarioError: for what is no text, or has something in it that would be misread.
    """
    held = ""
    if isinstance(name, str) and name:
        if name.isidentifier():  # as most are, in each of many runs
            return
        bad = [each for each in name if each in forbidden or not each.isprintable()]
        if not bad:
            return
        held = f", for the {bad[0]!r} in it"
    raise ScenarioError(
        thing=f"{thing}({shown(name)})",
        problem=f"no name{held}",
        expected=f"a word without blanks or any of {' '.join(forbidden.strip())}",
    )


# -- functions ---------------------------------------------------------------------------------


def takes(function: Any, count: int) -> bool:
    """Tell whether a function can be called with so many arguments."""
    try:
        # What a decorator made is called itself, whatever it stands for.
        parameters = signature(function, follow_wrapped=False)
    except (TypeError, ValueError):  # one that is written in C
        return True
    try:
        parameters.bind(*[None] * count)
    except TypeError:
        return False
    return True


def is_check(value: object) -> bool:
    """Tell whether a value can be a check; what is awaited would always hold."""
    return callable(value) and not iscoroutinefunction(value)


_SCENARIOS = {
    True: "an `async def` function that takes the Simulation",
    False: "a `def` function that takes the World",
    None: "an `async def` function that takes the Simulation, or a `def` one that takes the World",
}


def check_scenario(scenario: object, *, system: bool | None) -> None:
    """Check a scenario.

    :param system: whether it is to be one of a system; None: of a system or of a world.
    :raises ScenarioError: if it is none.
    """
    expected = _SCENARIOS[system]
    is_async = iscoroutinefunction(scenario)
    problem = ""
    if not callable(scenario) or isgeneratorfunction(scenario) or isasyncgenfunction(scenario):
        problem = "is no scenario"
    elif system is True and not is_async:
        problem, expected = "is no scenario of a system", f"{expected}; `def` is for explore"
    elif system is False and is_async:
        expected += "; `async def` is for explore_system"
        problem = "is no scenario of a world"
    elif not takes(scenario, 1):
        problem = "cannot be called with one argument"
    elif not is_async and _first_name(scenario) == "sim":
        problem, expected = "takes sim, and is no `async def` function", _SCENARIOS[None]
    if problem:
        raise ScenarioError(thing=_called(scenario), problem=problem, expected=expected)


def _called(function: object) -> str:
    return getattr(function, "__qualname__", None) or shown(function)


def _first_name(function: Any) -> str | None:
    try:
        return next(iter(signature(function, follow_wrapped=False).parameters), None)
    except (TypeError, ValueError):
        return None


def check_filled(world: World, scenario: object) -> None:
    """Check that a scenario has done something to its world.

    :raises ScenarioError: if there is nobody in it.
    """
    if not world.actors:
        raise ScenarioError(
            thing=_called(scenario), problem="adds no actor", expected="world.add(name, actor)"
        )
