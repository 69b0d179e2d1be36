"""A bank with a bug in each of its parts; its journal is exported as tests."""

from enum import Enum
from typing import Any

from dramaturg.actors import Actor, EventSourced, Message, Props, Refused, Request, handler
from dramaturg.protocols.state_machines import StateMachine, on, transitions
from dramaturg.protocols.testing import Simulation
from dramaturg.protocols.workflows import Call, Workflow, ask, saga, sequence, step, wait_for


class Deposited(Message, name="incident.deposited"):
    cents: int


class Withdrawn(Message, name="incident.withdrawn"):
    cents: int


class Balance(Message, name="incident.balance"):
    cents: int = 0


class Deposit(Request[Balance]):
    cents: int


class Withdraw(Request[Balance]):
    cents: int


class Account(EventSourced[Balance]):
    initial = Balance()

    def persistence_id(self) -> str:
        return "account-ann"

    def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
        change = event.cents if isinstance(event, Deposited) else -event.cents
        return Balance(cents=state.cents + change)

    @handler
    async def deposit(self, command: Deposit) -> Balance:
        await self.persist(Deposited(cents=command.cents))
        return self.state

    @handler
    async def withdraw(self, command: Withdraw) -> Balance:
        if command.cents > 10 * self.state.cents:
            raise Refused("not enough")
        await self.persist(Withdrawn(cents=command.cents))
        return self.state


class Snapshotting(Account):
    snapshot_every = 2
    keep_snapshots = 1
    delete_events = True


class Strict(Account):
    """Cannot recover from what the others have stored."""

    def apply(self, state: Balance, event: Deposited | Withdrawn) -> Balance:
        found = super().apply(state, event)
        if found.cents < 0:
            raise ValueError("below zero")
        return found


class Named(Account):
    """Is made with an argument."""

    def __init__(self, owner: str) -> None:
        self.owner = owner

    def persistence_id(self) -> str:
        return f"account-{self.owner}"


def open_named(sim: Simulation) -> None:
    sim.system.spawn(Props(Named, "ann"), name="named")


async def open_nobody(sim: Simulation) -> None:
    sim.system.spawn(Till, name="till")


def not_negative(balance: Balance) -> bool:
    return balance.cents >= 0


# -- a workflow --------------------------------------------------------------------------


class Order(Message, name="incident.order"):
    cents: int


class Charge(Request[str]):
    key: str
    cents: int


class Till(Actor):
    @handler
    def charge(self, request: Charge) -> str:
        return f"charged {100 // (request.cents - 7)}"


async def reserve(order: Order) -> Order:
    return order


async def release(order: Order) -> None:
    if order.cents > 1_000:
        raise Refused("cannot be released")


def charge(order: Order, call: Call) -> Charge:
    return Charge(key=call.key, cents=order.cents)


def open_till(sim: Simulation) -> None:
    sim.system.spawn(Till, name="till")


async def fail(_: Any) -> None:
    raise ConnectionError


checkout = Workflow(
    "checkout",
    saga(
        step("reserve", reserve, compensate=release),
        step("charge", ask("/till", charge)),
    ),
    takes=Order,
)
dear = Workflow(
    "dear",
    saga(step("reserve", reserve, compensate=release), step("fail", fail)),
    takes=Order,
)
patient = Workflow("patient", sequence(wait_for("go", str), step("reserve", reserve)))


# -- a machine ---------------------------------------------------------------------------


class Lamp(Enum):
    OFF = 0
    ON = 1


class Press(Request[str]):
    pass


class Light(StateMachine[Lamp, None]):
    initial = Lamp.OFF
    table = transitions(
        on(Press).at(Lamp.OFF).to(Lamp.ON).replying(lambda data, event: "bright"),
        on(Press).at(Lamp.ON).to(Lamp.OFF).replying(lambda data, event: "dark"),
    )

    def persistence_id(self) -> str:
        return "light"
