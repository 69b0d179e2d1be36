"""Faults, and how they get into the shop: none of the shop's own code knows of them.

Each member of the staff is exchanged for a subclass whose handlers may go wrong, before they have
done anything or after, when all is done but the answer is lost; the gremlin kills from outside.
What goes wrong is told on the system's event stream, so that faults can be counted.
"""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, Literal, TypeAlias

from dramaturg.actors import Actor, LifecycleEvent, Props, handler
from examples.storefront.addresses import (
    DEPARTMENTS,
    DISPLAY,
    DOOR,
    FRONT_DESK,
    INVENTORY,
)
from examples.storefront.messages import Progress
from examples.storefront.tree import MOST_RESTARTS_OF_PRICING, Staff

Kind: TypeAlias = Literal["raise", "raise after", "hang", "kill"]


class InjectedError(Exception):
    """Somebody wanted to see what the shop makes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultInjected(LifecycleEvent):
    """The actor is about to go wrong."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a plan.

    :param staff: who goes wrong: a field of `Staff`.
    :param lives: in which incarnations it happens.
    :param at: upon the how many-th message of that life; 0: when it starts.
    """

    staff: str
    kind: Kind
    lives: range
    at: int
    says: str = "injected"


@dataclass(frozen=True, slots=True)
class Faults:
    """What is to go wrong: by plan, and at random with a rate for each message.

    :param kills: who is killed when so many orders have come to their end.
    :param rate: from 0 to 1; also the chance of a kill for each order that comes to its end.
    """

    planned: tuple[Fault, ...] = ()
    kills: tuple[tuple[int, str], ...] = ()
    rate: float = 0.0

    def __bool__(self) -> bool:
        """Tell whether anything goes wrong at all."""
        return bool(self.planned or self.kills or self.rate)


def standard(orders: int) -> Faults:
    """Plan the faults of the demo, over a day of so many orders.

    The pricing service goes down in the middle of the day, and only the sixth attempt to go back
    to it is a success; meanwhile what stands in for it fails, too.
    """
    limit = MOST_RESTARTS_OF_PRICING
    tenth = orders // 10
    down = "the pricing service does not answer"
    unreadable = "the cache cannot be read"
    return Faults(
        planned=(
            Fault("payment", "raise", range(1, 2), tenth, "the bank has hung up"),
            Fault("payment", "hang", range(2, 3), 3 * tenth),
            Fault("catalogue", "raise", range(1, 2), 5 * tenth, down),
            Fault("catalogue", "raise", range(2, 2 + limit + 5), 0, down),
            Fault("cached_prices", "raise", range(1, 2 + limit), 3, unreadable),
            Fault("inventory", "raise after", range(2, 3), 5 * tenth, "the shelves came down"),
        ),
        kills=((2 * tenth, INVENTORY),),
    )


class Unlucky(Actor):
    """What an unlucky member of the staff is besides."""

    faults: ClassVar[Faults]
    _messages_so_far = 0

    async def suffer(self, *kinds: Kind) -> None:
        """Let happen now what is planned, or what chance will have.

        :raises InjectedError: if that is it.
        """
        fault = self._next_fault(kinds)
        if fault is None:
            return
        context = self.context
        context.system.events.publish(
            FaultInjected(path=context.path, time=context.clock.time(), kind=fault.kind)
        )
        if fault.kind == "hang":
            await asyncio.Event().wait()
        raise InjectedError(fault.says)

    def _next_fault(self, kinds: tuple[Kind, ...]) -> Fault | None:
        context, faults = self.context, self.faults
        for fault in faults.planned:
            if (
                fault.at == self._messages_so_far
                and fault.kind in kinds
                and context.incarnation in fault.lives
            ):
                return fault
        # Each message asks twice, before and after.
        if faults.rate and self._messages_so_far and context.random.random() < faults.rate / 2:
            return Fault(context.name, kinds[0], range(0), 0)
        return None

    async def on_start(self) -> None:
        """Start, or not."""
        await self.suffer("raise")
        started = super().on_start()  # it may be a coroutine
        if inspect.isawaitable(started):
            await started


def unlucky_staff(staff: Staff, faults: Faults) -> Staff:
    """Exchange each member of the staff for whom there is a fault for an unlucky one."""
    changes: dict[str, type[Actor]] = {}
    for each in fields(staff):
        planned = tuple(fault for fault in faults.planned if fault.staff == each.name)
        if planned or faults.rate:
            own = Faults(planned=planned, rate=faults.rate)
            changes[each.name] = _unlucky(getattr(staff, each.name), own)
    return replace(staff, **changes)


def _unlucky(cls: type[Actor], faults: Faults) -> type[Actor]:
    namespace: dict[str, Any] = {"faults": faults, "__module__": cls.__module__}
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        takes_message = [*inspect.signature(method).parameters] == ["self", "message"]
        if takes_message and not name.startswith("_"):
            namespace[name] = _unlucky_handler(method)
    return type(cls.__name__, (Unlucky, cls), namespace)


def _unlucky_handler(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Awaitable[Any]]:
    @functools.wraps(method)
    async def handle(self: Any, message: Any) -> Any:
        self._messages_so_far += 1
        await self.suffer("raise", "hang")
        answer = method(self, message)
        if inspect.isawaitable(answer):
            answer = await answer
        await self.suffer("raise after")
        return answer

    return handle


PREY: Final = (*DEPARTMENTS, DOOR, FRONT_DESK)
"""Whom the gremlin may kill."""


class Gremlin(Actor):
    """Kills from outside; it stands between front desk and display to see how far the day is."""

    def __init__(self, faults: Faults) -> None:
        self._kills = list(faults.kills)
        self._rate = faults.rate

    @handler
    def progress(self, message: Progress) -> None:
        """Kill who is due, or whom chance will have."""
        display = self.context.system.lookup(DISPLAY)
        if display is not None:
            display.tell(message)
        while self._kills and self._kills[0][0] <= message.done:
            self._kill(self._kills.pop(0)[1])
        if self.context.random.random() < self._rate:
            self._kill(self.context.random.choice(PREY))

    def _kill(self, address: str) -> None:
        context = self.context
        prey = context.system.lookup(address)
        if prey is None:
            return
        context.system.events.publish(
            FaultInjected(path=address, time=context.clock.time(), kind="kill")
        )
        prey.kill()


def gremlin(faults: Faults) -> Props[Actor] | None:
    """Make the recipe of the gremlin, if it has anything to do."""
    return Props(Gremlin, faults) if faults else None
