"""Clients of a register, that write once and then read, and what has to hold for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dramaturg.protocols.testing._explorer_history import real_time_order
from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._faults import Network
from dramaturg.protocols.testing._histories import Invoked, Returned
from dramaturg.protocols.testing._linearizability import linearizable
from dramaturg.protocols.testing._outputs import Noted, Output
from dramaturg.protocols.testing._sequential_models import RegisterModel


@dataclass(frozen=True)
class Put:
    request: int
    value: str


@dataclass(frozen=True)
class Get:
    request: int


@dataclass(frozen=True)
class PutDone:
    request: int


@dataclass(frozen=True)
class Got:
    request: int
    value: str | None


class Client:
    """Writes a value of its own to one server, and reads from the next one."""

    def __init__(self, index: int, servers: list[str]) -> None:
        self.name = f"client{index}"
        self.index = index
        self.servers = servers
        self.awaiting: int | None = None
        self.done = 0

    def on_start(self) -> list[Output]:
        value = chr(ord("A") + self.index)
        self.awaiting = 1
        return [Noted(Invoked(self.name, "write", value)), self.ask(Put(self.request(1), value))]

    def on_message(self, sender: str, message: PutDone | Got) -> list[Output]:
        if self.awaiting is None or message.request != self.request(self.awaiting):
            return []
        self.done += 1
        if isinstance(message, Got):
            self.awaiting = None
            return [Noted(Returned(self.name, message.value))]
        self.awaiting = 2
        return [
            Noted(Returned(self.name)),
            Noted(Invoked(self.name, "read")),
            self.ask(Get(self.request(2))),
        ]

    def request(self, number: int) -> int:
        return number * 100 + self.index

    def ask(self, message: Put | Get) -> Output:
        return self.servers[
            (len(self.servers) + self.index + self.done) % len(self.servers)
        ], message


def is_linearizable(view: Any) -> object:
    return linearizable(view.history, RegisterModel()).outcome == "pass"


def value_read(view: Any) -> bool:
    return any(isinstance(note, Returned) and note.result is not None for note in view.history)


def register(servers: Mapping[str, object], *, clients: int = 2, ordered: bool = False) -> Model:
    """Return the model of a register: let each client write and read.

    :param ordered: tell histories apart in which the same overlaps, begun in another order.
    """
    asking = [Client(index, list(servers)) for index in range(clients)]
    return Model(
        actors={**servers, **{client.name: client for client in asking}},
        network=Network.UNORDERED,
        always={"linearizable": is_linearizable},
        sometimes={"value read": value_read},
        history=None if ordered else real_time_order,
    )
