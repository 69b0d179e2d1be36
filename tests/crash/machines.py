"""State machines: one way through the table, and each action under one key."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any

from dramaturg.actors import ActorSystem, Directive, DramaturgError, Message, Props, Request
from dramaturg.protocols.state_machines import (
    GetHistory,
    GetStatus,
    MachineStatus,
    NoTransition,
    StateMachine,
    Step,
    after,
    entering,
    on,
    postpone,
    transitions,
)

if TYPE_CHECKING:
    from tests.crash.effects import Effects
    from tests.crash.life import Life

__all__ = ["Machines"]

COUNT = 4


class State(Enum):
    """Of an order."""

    NEW = "new"
    PAID = "paid"
    PACKED = "packed"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Pay(Request[str]):
    """Answered with a receipt."""


class Packed(Message, name="crash.Packed"):
    """What comes of packing."""


class Ship(Request[MachineStatus[State, Any]]):
    """Comes too early, and waits."""


class Cancel(Request[MachineStatus[State, Any]]):
    """Comes when it has been paid."""


class Order(StateMachine[State, None]):
    """Charges, packs after a while, and ships; or gives the money back."""

    initial = State.NEW
    final = frozenset({State.SHIPPED, State.CANCELLED})

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def _note(self, what: str, key: str, **more: Any) -> int:
        self._effects.note(f"{self.context.path} {what}", key, **more)
        return self._effects.calls(key)

    async def charge(self, step: Step[Any, None]) -> str:
        if self._note("charge", step.key, amount=1) == 1:
            raise ConnectionError("it was charged, and nobody heard of it")
        return step.key

    def pack(self, step: Step[Any, None]) -> None:
        self._note("pack", step.key)
        step.insert(Packed())

    def ship(self, step: Step[Any, None]) -> None:
        self._note("ship", step.key)

    def refund(self, step: Step[Any, None]) -> None:
        charges = [
            each for each in self._effects.read() if each.what == f"{self.context.path} charge"
        ]
        self._note("refund", step.key, undoes=charges[0].key)

    table = transitions(
        on(Pay).at(State.NEW).to(State.PAID).do(charge),
        postpone(Ship).at(State.NEW, State.PAID),
        after(0.02).at(State.PAID).keep().do(pack),
        on(Packed).at(State.PAID).to(State.PACKED),
        on(Ship).at(State.PACKED).to(State.SHIPPED),
        entering(State.SHIPPED).do(ship),
        on(Cancel).at(State.PAID, State.PACKED).to(State.CANCELLED).do(refund),
    )


class Machines:
    """Some orders; every other one is cancelled."""

    commits = 24
    withstands = False

    async def live(self, life: Life) -> None:
        """Let each go to its end."""
        async with ActorSystem("crash", journal=life.journal()) as system:
            await asyncio.gather(*(self._order(life, system, n) for n in range(COUNT)))
        for what, keys in life.effects.keys_of().items():
            assert len(keys) == 1, f"{what} was intended under {sorted(keys)}"

    async def _order(self, life: Life, system: ActorSystem, number: int) -> None:
        name, known = f"order-{number}", life.acknowledged
        recipe = Props(Order, life.effects).using(policy=Directive.RESTART)
        order = system.spawn(recipe, name=name)
        states = [*State]
        state = await _state(order)
        for (told,) in known.about(name):
            assert states.index(state) >= states.index(State(told)), (state, told)
        is_cancelled = bool(number % 2)
        waiting: asyncio.Future[Any] | None = None
        while state not in (State.SHIPPED, State.CANCELLED):
            if waiting is None and not is_cancelled:
                waiting = asyncio.ensure_future(_asked(order, Ship()))
            event = Cancel() if state is not State.NEW and is_cancelled else Pay()
            if state is State.NEW or is_cancelled:
                await _asked(order, event)
            elif waiting is not None:
                await waiting
                waiting = None
            state = await _state(order)
            known.add(name, state.value)
        if waiting is not None:
            await waiting
        await self._check(life, order, name, state)

    async def _check(self, life: Life, order: Any, name: str, state: State) -> None:
        history = await order.request(GetHistory())
        targets = [target for source, _, target in history.transitions if source != target]
        wanted = ["PAID", "PACKED", "SHIPPED"] if state is State.SHIPPED else ["PAID", "CANCELLED"]
        if state is State.CANCELLED and "PACKED" in targets:
            wanted.insert(1, "PACKED")
        assert targets == wanted, history
        charge = next(each for each in life.effects.read() if each.what == f"/{name} charge")
        left = life.effects.left(charge.key)
        assert left == (1 if state is State.SHIPPED else 0)


async def _state(order: Any) -> State:
    while True:
        try:
            return State((await order.request(GetStatus())).state)
        except DramaturgError:
            await asyncio.sleep(0)  # it failed on something before, and begins again


async def _asked(order: Any, event: Any) -> None:
    try:
        await order.request(event)
    except (NoTransition, DramaturgError):
        await asyncio.sleep(0.001)
