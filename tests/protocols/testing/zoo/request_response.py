"""Requests that are sent again, carried out once (Birrell and Nelson, 1984)."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

REQUESTS = 3


class Request(NamedTuple):
    number: int


class Response(NamedTuple):
    number: int
    total: int


class Client(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.number = 1
        self.totals: list[int] = []

    def on_start(self) -> Outputs:
        return [("server", Request(self.number)), SetTimer("again", 5)]

    def on_timer(self, name: str) -> Outputs:
        return self.on_start()

    def response(self, sender: str, number: int, total: int) -> Outputs:
        if len(self.totals) == REQUESTS:
            return []
        if number != self.number and self.variant != "takes an old response":
            return []
        self.totals.append(total)
        self.number += 1
        return [CancelTimer("again")] if len(self.totals) == REQUESTS else self.on_start()


class Server(Actor):
    """Adds each number of a request to its total."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = ("total",) if variant == "answer not durable" else ("total", "last")
        self.total = 0
        self.last = (0, 0)

    def request(self, sender: str, number: int) -> Outputs:
        last, total = self.last
        if number == last and self.variant != "carries out each":
            return [(sender, Response(number, total))]
        if number < last and self.variant not in {"carries out old ones", "carries out each"}:
            return []
        self.total += number
        self.last = (number, self.total)
        return [(sender, Response(number, self.total))]


def fill(world: World, variant: str) -> None:
    world.add("client", Client(variant))
    world.add("server", Server(variant))
    world.always(lambda view: view["server"].total <= 6, "once")
    world.always(lambda view: view["client"].totals == [1, 3, 6][: len(view["client"].totals)])
    world.at_rest(lambda view: len(view["client"].totals) == REQUESTS, "all answered")
    world.sometimes(lambda view: view.now > 0, "asked again")


SPECIMENS = (
    Specimen(
        "request and response",
        fill,
        {
            "carries out each": Bug("easy", 4),
            "carries out old ones": Bug("hard", 7),
            "takes an old response": Bug("easy", 4),
            "answer not durable": Bug("hard", 6),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes={"server": 1}, drops=1, duplicates=1, early_timers=1),
    ),
)
