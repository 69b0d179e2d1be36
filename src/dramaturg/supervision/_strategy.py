"""Which children stop and start, and in what order: pure functions over frozen values.

The rules are those of OTP's ``supervisor``; the letters and numbers name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "AfterExit",
    "AutoShutdown",
    "ChildView",
    "RestartPlan",
    "RestartType",
    "Strategy",
    "after_exit",
    "plan_restart",
    "shuts_down",
    "stop_order",
]

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"]
RestartType: TypeAlias = Literal["permanent", "transient", "temporary"]
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]
AfterExit: TypeAlias = Literal["restart", "keep", "forget"]


@dataclass(frozen=True, slots=True)
class ChildView:
    """What a strategy has to know of a child.

    ``alive``: there is an actor now; ``pending``: a restart of it is due.
    """

    id: str
    restart: RestartType = "permanent"
    alive: bool = True
    significant: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True)
class RestartPlan:
    """What one restart does: stop some, in this order; forget some; start some, in this order."""

    stop: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    start: tuple[str, ...] = ()


def after_exit(restart: RestartType, *, clean: bool) -> AfterExit:
    """Choose what follows an end that the supervisor did not order.

    Permanent children are restarted whatever the reason; transient ones after an
    abnormal end, else their spec is kept without an actor; temporary ones are
    forgotten (S2).
    """
    if restart == "temporary":
        return "forget"
    if restart == "transient" and clean:
        return "keep"
    return "restart"


def plan_restart(strategy: Strategy, children: Sequence[ChildView], failed: str) -> RestartPlan:
    """Plan the restart of a child that is dead and permanent or transient.

    ==================  ===========================  ===========================
    strategy            stopped, the youngest first  started, the eldest first
    ==================  ===========================  ===========================
    one_for_one         none                         the child
    simple_one_for_one  none                         the child
    one_for_all         all others                   all
    rest_for_one        those after it               it and those after it
    ==================  ===========================  ===========================

    Temporary children in reach are stopped and forgotten, not started (S6). All
    others in reach are started, also those that had no actor before: one that had
    finished, was terminated, or had asked to be ignored.

    :param children: all of them, in start order; not looked at by the first two.
    :raises KeyError: if the child is not among them.
    """
    if strategy in {"one_for_one", "simple_one_for_one"}:
        return RestartPlan(start=(failed,))
    place = next((i for i, child in enumerate(children) if child.id == failed), None)
    if place is None:
        raise KeyError(failed)
    reach = children if strategy == "one_for_all" else children[place:]
    temporary = tuple(child.id for child in reach if child.restart == "temporary")
    return RestartPlan(
        stop=stop_order(child for child in reach if child.id != failed),
        forget=temporary,
        start=tuple(child.id for child in reach if child.restart != "temporary"),
    )


def stop_order(children: Iterable[ChildView]) -> tuple[str, ...]:
    """Order the stop of children given in start order: the youngest first, one after the other."""
    return tuple(reversed([child.id for child in children if child.alive]))


def shuts_down(auto_shutdown: AutoShutdown, ended: ChildView, others: Iterable[ChildView]) -> bool:
    """Tell whether the supervisor ends because a child ended by itself and is not restarted (S10).

    Only the end of a significant child counts; for ``all_significant`` no other
    significant one may be alive, or about to be restarted.
    """
    if not ended.significant or auto_shutdown == "never":
        return False
    if auto_shutdown == "any_significant":
        return True
    return not any(child.significant and (child.alive or child.pending) for child in others)
