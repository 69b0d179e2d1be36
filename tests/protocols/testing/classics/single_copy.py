"""A register kept by one server; by several that know nothing of each other, it is none."""

from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._outputs import Output
from tests.protocols.testing.classics.register import Get, Got, Put, PutDone, register


class Server:
    def __init__(self) -> None:
        self.value: str | None = None

    def on_message(self, sender: str, message: Put | Get) -> list[Output]:
        if isinstance(message, Get):
            return [(sender, Got(message.request, self.value))]
        self.value = message.value
        return [(sender, PutDone(message.request))]


def single_copy(servers: int = 1, *, ordered: bool = False) -> Model:
    return register({f"server{n}": Server() for n in range(servers)}, ordered=ordered)
