"""What workflows refuse: at their declaration, and where somebody calls one of their methods."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

from dramaturg.actors import ActorSystem, DramaturgError, OptionError, Upcaster
from dramaturg.protocols.workflows._errors import (
    WorkflowDefinitionError,
    WorkflowInputError,
    shown,
)
from dramaturg.protocols.workflows._outcome import why_not_stored
from dramaturg.protocols.workflows._step import Step, WaitFor

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._family import Family

__all__ = [
    "LONGEST_ID",
    "STATUSES",
    "check_declared",
    "check_event",
    "check_input",
    "check_instance",
    "check_resolver",
    "check_statuses",
    "check_storable",
    "check_system",
    "listed",
]

LONGEST_ID = 300
_LONGEST_NAME = 100
STATUSES = ("running", "completed", "compensated", "failed", "cancelled", "stuck")
"""Under what instances are listed."""


# -- its declaration ---------------------------------------------------------------------------


def check_declared(name: object, root: object, takes: object, version: object) -> None:
    """Check what a workflow is made of.

    :raises WorkflowDefinitionError: if something of it cannot be.
    """
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise WorkflowDefinitionError(
            thing="a workflow", problem=f"is called {shown(name)}", expected="1 to 100 characters"
        )
    thing = f"workflow {name!r}"
    if not name.isprintable() or "/" in name or " " in name:
        raise WorkflowDefinitionError(
            thing=thing, problem="has a name with '/' or blanks", expected="one without"
        )
    if not isinstance(root, Step):
        raise WorkflowDefinitionError(
            thing=thing, problem=f"has the root {shown(root)}", expected="a step"
        )
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise WorkflowDefinitionError(
            thing=thing, problem=f"has version {shown(version)}", expected="an int of at least 1"
        )
    if takes is not None and not _are_classes(takes):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"takes {shown(takes)}",
            expected="a class that the input is an instance of, or None",
        )


def _are_classes(takes: object) -> bool:
    """Tell whether something can be an instance of it: a class, or a union of some."""
    if isinstance(takes, types.UnionType):
        return all(map(_are_classes, get_args(takes)))
    return isinstance(takes, type) and get_origin(takes) is None


def listed(name: str, option: str, given: Iterable[Any]) -> tuple[Any, ...]:
    """Return what an option lists, if it is a list, or something like it, of the right things.

    :raises WorkflowDefinitionError: if it is not.
    """
    fits, expected = _LISTED[option]
    if isinstance(cast("object", given), Iterable) and not isinstance(given, str | bytes | type):
        found = tuple(given)
        wrong = [each for each in found if not fits(each)]
        if not wrong:
            return found
        problem = f"has {shown(wrong[0])} in {option}"
    else:
        problem = f"has {option}={shown(given)}"
    raise WorkflowDefinitionError(
        thing=f"workflow {name!r}", problem=problem, expected=f"a list of {expected}"
    )


def _is_type(each: object) -> bool:
    return isinstance(each, type) or get_origin(each) is not None


_LISTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "types": (_is_type, "types"),
    "upcasters": (
        lambda each: isinstance(each, Upcaster),
        "upcasters, as @upcaster(name, from_version=...) makes them",
    ),
    "earlier": (lambda each: hasattr(each, "_family"), "workflows of lower versions"),
}


# -- calls of its methods ----------------------------------------------------------------------


def check_system(system: object) -> None:
    """Check that it is a system.

    :raises OptionError: if it is not.
    """
    if not isinstance(system, ActorSystem):
        raise OptionError(option="system", value=system, expected="an ActorSystem")


def check_instance(workflow: str, instance: object) -> None:
    """Check an id.

    :raises WorkflowInputError: if it cannot be one.
    """
    fine = isinstance(instance, str) and 0 < len(instance) <= LONGEST_ID
    if not fine or not cast("str", instance).isprintable():
        raise WorkflowInputError(
            workflow=workflow,
            what="the id",
            value=instance,
            expected="1 to 300 printable characters",
        )


def check_input(family: Family, system: ActorSystem, value: object) -> None:
    """Check what an instance is to be started with.

    :raises WorkflowInputError: if it is of another type, or cannot be stored.
    """
    takes: Any = family.newest.takes
    if takes is not None and not isinstance(value, takes):
        raise WorkflowInputError(
            workflow=family.name, what="the input", value=value, expected=_called(takes)
        )
    check_storable(family, system, "the input", value)


def check_event(family: Family, event: str, value: object) -> None:
    """Check what an instance is to be told.

    :raises WorkflowInputError: if no step waits for such an event, or for such a value.
    """
    waits = [
        each
        for definition in family.versions.values()
        for each in definition.steps
        if isinstance(each, WaitFor)
    ]
    mine = [each for each in waits if each.event == event]
    if not mine:
        names = ", ".join(sorted({repr(each.event) for each in waits}))
        raise WorkflowInputError(
            workflow=family.name,
            what="the event",
            value=event,
            expected=names or "none: it waits for nothing",
        )
    if not any(each.takes is None or isinstance(value, each.takes) for each in mine):
        raise WorkflowInputError(
            workflow=family.name,
            what=f"the value of {event!r}",
            value=value,
            expected=" or ".join(_called(each.takes) for each in mine if each.takes),
        )


def _called(cls: Any) -> str:
    return getattr(cls, "__qualname__", str(cls))


def check_storable(family: Family, system: ActorSystem, what: str, value: object) -> None:
    """Check a value that comes from outside.

    :raises WorkflowInputError: if it cannot be stored.
    """
    try:
        system.journal_codec(family.registry).encode_value(value)
    except DramaturgError as error:
        raise WorkflowInputError(
            workflow=family.name,
            what=what,
            value=value,
            expected=f"something that can be stored ({why_not_stored(error)})",
        ) from error


def check_statuses(statuses: Iterable[object]) -> None:
    """Check under what instances are to be listed.

    :raises OptionError: if there is no such status.
    """
    for each in statuses:
        if each == "compensating":
            expected = '"running": those that compensate are among them, as `status` tells'
            raise OptionError(option="status", value=each, expected=expected)
        if each not in STATUSES:
            expected = f"one of {', '.join(map(repr, STATUSES))}"
            raise OptionError(option="status", value=each, expected=expected)


def check_resolver(how: object, by: object) -> None:
    """Check what somebody says about a compensation that is stuck.

    :raises OptionError: if that is none of the two, or nobody says so.
    """
    if how not in ("done", "retry"):
        raise OptionError(option="how", value=how, expected='"done" or "retry"')
    if not isinstance(by, str) or not by.strip():
        raise OptionError(option="by", value=by, expected="who says so, for the history")
