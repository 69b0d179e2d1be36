"""Connections by three messages (Tomlinson, 1975): no old copy opens one."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

CONNECTIONS = 2


class Syn(NamedTuple):
    mine: int


class SynAck(NamedTuple):
    yours: int
    mine: int


class Ack(NamedTuple):
    yours: int
    mine: int


class Data(NamedTuple):
    yours: int
    text: str


class Fin(NamedTuple):
    yours: int


class Closed(NamedTuple):
    yours: int


class Client(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.number = 1
        self.peer: int | None = None
        self.closed = 0

    def step(self) -> int:
        return 1 if self.variant == "one number for all" else self.number * 100

    def on_start(self) -> Outputs:
        return [("server", Syn(self.step())), SetTimer("again", 5)]

    def on_timer(self, name: str) -> Outputs:
        self.peer = None
        return self.on_start()

    def talk(self) -> Outputs:
        peer = self.peer or 0
        return [
            ("server", Ack(peer, self.step())),
            ("server", Data(peer, f"text {self.number}")),
            ("server", Fin(peer)),
            SetTimer("again", 5),
        ]

    def synack(self, sender: str, yours: int, mine: int) -> Outputs:
        if yours != self.step():
            return []
        if self.peer is not None or self.closed == CONNECTIONS:
            return []
        self.peer = mine
        return self.talk()

    def on_closed(self, yours: int) -> Outputs:
        if self.closed == CONNECTIONS or yours != self.step():
            return []
        self.peer = None
        self.closed += 1
        self.number += 1
        return self.on_start() if self.closed < CONNECTIONS else [CancelTimer("again")]

    def on_message(self, sender: str, message: object) -> Outputs:
        if isinstance(message, Closed):
            return self.on_closed(message.yours)
        return super().on_message(sender, message)


class Server(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.number = 0
        self.half: int | None = None
        self.peer: int | None = None
        self.got: list[str] = []
        self.texts: list[str] = []
        self.last = (0, 0)

    def syn(self, sender: str, mine: int) -> Outputs:
        if mine == self.last[1] and self.variant != "an old connection begins anew":
            return [(sender, Closed(mine))]
        if self.peer is not None:
            return [(sender, SynAck(mine, self.number))] if mine == self.peer else []
        if self.half != mine:
            self.number += 1000
            self.half = mine
        if self.variant == "open at the first message":
            self.peer = mine
        return [(sender, SynAck(mine, self.number))]

    def ack(self, sender: str, yours: int, mine: int) -> Outputs:
        right = yours == self.number and mine == self.half
        if self.peer is None and (right or self.variant == "takes any acknowledgement"):
            self.peer = mine
            self.got = []
        return []

    def data(self, sender: str, yours: int, text: str) -> Outputs:
        open_ = self.peer is not None
        if self.variant == "takes data of any connection":
            if open_:
                self.got.append(text)
        elif open_ and yours == self.number and not self.got:
            self.got.append(text)
        return []

    def fin(self, sender: str, yours: int) -> Outputs:
        if yours == self.last[0]:
            return [(sender, Closed(self.last[1]))]
        if self.peer is None or yours != self.number or not self.got:
            return []
        self.texts += self.got
        self.last = (self.number, self.peer)
        self.peer, self.half, self.got = None, None, []
        return [(sender, Closed(self.last[1]))]


def fill(world: World, variant: str) -> None:
    world.add("client", Client(variant))
    world.add("server", Server(variant))

    def in_order(view: View) -> bool:
        texts = view["server"].texts
        return bool(texts == ["text 1", "text 2"][: len(texts)])

    def all_closed(view: View) -> bool:
        return bool(view["client"].closed == len(view["server"].texts) == CONNECTIONS)

    world.always(in_order)
    world.at_rest(all_closed)
    world.at_rest(lambda view: view["server"].peer is None, "no connection of one alone")
    world.sometimes(lambda view: len(view["server"].texts) == CONNECTIONS, "both are done")


SPECIMENS = (
    Specimen(
        "three-way handshake",
        fill,
        {
            "open at the first message": Bug("hard", 15),
            "takes data of any connection": Bug("easy", 7),
            "takes any acknowledgement": Bug("hard", 18),
            "an old connection begins anew": Bug("hard", 12),
        },
        network=Network.UNORDERED,
        faults=Faults(drops=1, duplicates=2, early_timers=1),
    ),
)
