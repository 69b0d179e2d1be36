"""Scenario specs as ours, checked in the order in which OTP checks them.

A scenario may be wrong on purpose, in several places at once, and OTP reports one: flags come
before children, and children in their order. Ours are made from the inside out, so that a spec is
handed over piece by piece.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from dramaturg.actors import Actor, Props
from dramaturg.supervision import ChildSpec, SpecError, SupervisorSpec
from tests.supervision.otp.compare import POOL, Json

Start: TypeAlias = Callable[[Json], Props[Any]]
"""Makes what a child's spec says to start."""

FLAGS = ("strategy", "intensity", "period", "auto_shutdown")


class _Nobody(Actor):
    """Stands in for a child where only the rest of a spec is looked at."""


def supervisor_spec(given: Json, start: Start) -> SupervisorSpec:
    """Make a supervisor's spec.

    :raises SpecError: for the first thing that is wrong.
    """
    flags: Json = {}
    nobody = (ChildSpec("nobody", _Nobody),)
    for flag in FLAGS:
        if flag in given:
            flags[flag] = _whole(given[flag]) if flag == "period" else given[flag]
            SupervisorSpec(nobody, **flags)
    wanted = given.get("children", [])
    if given.get("strategy") == POOL:
        # Whatever else is wrong with them.
        SupervisorSpec([ChildSpec(str(n), _Nobody) for n in range(len(wanted))], **flags)
    children: list[ChildSpec] = []
    for child in wanted:
        children.append(_child_spec(child, start, flags))
        SupervisorSpec(children, **flags)
    return SupervisorSpec(children, **flags)


def added_child_spec(given: Json, start: Start, supervisor: Json) -> ChildSpec:
    """Make the spec of a child to add to the supervisor of that spec, which checks it, too.

    :raises SpecError: for the first thing that is wrong, as far as a child's spec can tell.
    """
    try:
        return _child_spec(given, start, None)
    except SpecError as error:
        # What the supervisor would have said may come first.
        _child_spec(given, start, {key: supervisor[key] for key in FLAGS if key in supervisor})
        raise error from None


def _child_spec(given: Json, start: Start, flags: Json | None) -> ChildSpec:
    """Make a child's spec, looking also at what it may be under these flags if they are given."""
    name: Any = given.get("id")
    what = start(given)
    options: Json = {
        option: given[option] for option in ("restart", "significant") if option in given
    }
    if flags is not None:
        # OTP looks at type and shutdown after that.
        SupervisorSpec([ChildSpec(name, what, **options)], **flags)
    # OTP goes by the type that is given, whatever it is that starts.
    options["type"] = given.get("type", "worker")
    if "shutdown" in given:
        options["shutdown"] = _seconds(given["shutdown"])
    limit = given.get("worker", {}).get("start_timeout")
    # An instance may have a limit of its own, which its worker has to keep.
    of_pool = flags is not None and flags.get("strategy") == "simple_one_for_one"
    if limit is not None and not of_pool:
        options["start_timeout"] = limit / 1_000
    return ChildSpec(name, what, **options)


# OTP wants whole milliseconds and whole seconds. Anything else is wrong, and must be so here.


def _seconds(shutdown: Any) -> Any:
    return shutdown / 1_000 if _is_whole(shutdown) else str(shutdown)


def _whole(period: Any) -> Any:
    return period if _is_whole(period) else str(period)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
