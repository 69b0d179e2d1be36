"""An order as a state machine: the program ends, and it goes on with what is left of its time.

Run it with `python -m examples.order_state_machine`.
"""

import asyncio
import tempfile
from enum import Enum
from pathlib import Path

import dramaturg.protocols.state_machines as sm
from dramaturg.actors import ActorSystem, ManualClock, Message, Request, SqliteJournal

State = Enum("State", "NEW PAID SHIPPED EXPIRED")


class Pay(Request[str]):
    """Pay so many cents, for a receipt."""

    cents: int


class Ship(Message):
    """Send it off, if need be once it is paid."""


def is_all(due: int, pay: Pay) -> bool:
    """Tell whether the payment is what is due."""
    return pay.cents == due


class Order(sm.StateMachine[State, int]):
    """To be paid within an hour; its data are the cents that are due."""

    def charge(self, step: sm.Step[Pay, int]) -> str:
        """Act when the transition is stored; a bank would be given the key."""
        return f"receipt {step.key}"

    initial, initial_data = State.NEW, 1200
    final = (State.SHIPPED, State.EXPIRED)
    table = sm.transitions(
        sm.on(Pay).at(State.NEW).when(is_all).to(State.PAID).do(charge),
        sm.postpone(Ship).at(State.NEW),
        sm.on(Ship).at(State.PAID).to(State.SHIPPED),
        sm.after(3600.0).at(State.NEW).to(State.EXPIRED),
    )


async def main() -> None:
    """Let two systems, one after the other, work on one journal."""
    clock = ManualClock()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "orders.db")
        async with ActorSystem("monday", clock=clock, journal=SqliteJournal(file)) as system:
            order = system.spawn(Order, name="order-7")
            await order.request(sm.GetStatus())
            order.tell(Ship())
            try:
                await order.request(Pay(cents=12))
            except sm.NoTransition as no:
                print(no)
            clock.advance(2400.0)
        async with ActorSystem("tuesday", clock=clock, journal=SqliteJournal(file)) as system:
            order = system.spawn(Order, name="order-7")
            status = await order.request(sm.GetStatus())
            print(status.postponed, "and", status.timers[0][1] - clock.time(), "left")
            print(await order.request(Pay(cents=1200)))
            print((await order.request(sm.GetHistory())).transitions)


if __name__ == "__main__":
    asyncio.run(main())
