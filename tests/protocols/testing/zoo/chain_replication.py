"""Chain replication (van Renesse and Schneider, 2004): head, middle, tail; the middle may die.

The middle stays dead after its restart; the news of it comes from itself, without error.
"""

from typing import NamedTuple

from dramaturg.protocols.testing import Faults, Noted, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

UPDATES = 3


class Update(NamedTuple):
    number: int


class Acked(NamedTuple):
    number: int


class Done(NamedTuple):
    number: int


class Died(NamedTuple): ...


class Node(Actor):
    durable = ("dead",)

    def __init__(self, variant: str, name: str, following: str | None) -> None:
        super().__init__(variant)
        self.name = name
        self.following = following
        self.log: list[int] = []
        self.unacked: list[int] = []
        self.dead = False

    def on_message(self, sender: str, message: object) -> Outputs:
        return [] if self.dead else super().on_message(sender, message)

    def on_crash(self) -> None:
        self.dead = True

    def on_restart(self) -> Outputs:
        return [("head", Died()), ("tail", Died())]

    def update(self, sender: str, number: int) -> Outputs:
        in_turn = number == len(self.log) + 1
        if self.name == "tail" and self.variant == "the tail takes copies":
            in_turn = True
        if not in_turn:
            return []
        self.log.append(number)
        if self.following is None:
            return [("client", Done(number)), ("head", Acked(number))]
        self.unacked.append(number)
        early = self.name == "head" and self.variant == "the head answers"
        done: Outputs = [("client", Done(number))] if early else []
        return [*done, (self.following, Update(number))]

    def acked(self, sender: str, number: int) -> Outputs:
        every = self.variant == "an acknowledgement is for all"
        self.unacked = [each for each in self.unacked if each > number and not every]
        return []

    def died(self, sender: str) -> Outputs:
        if self.name != "head":
            return []
        self.following = "tail"
        if self.variant == "sends nothing again":
            return []
        again = self.unacked[-1:] if self.variant == "sends the newest again" else self.unacked
        return [("tail", Update(number)) for number in again]


class Client(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.done_: list[int] = []

    def on_start(self) -> Outputs:
        return [("head", Update(number)) for number in range(1, UPDATES + 1)]

    def done(self, sender: str, number: int) -> Outputs:
        self.done_.append(number)
        return [Noted(number)]


def fill(world: World, variant: str) -> None:
    world.add("client", Client(variant))
    world.add("head", Node(variant, "head", "middle"))
    world.add("middle", Node(variant, "middle", "tail"))
    world.add("tail", Node(variant, "tail", None))

    def in_order(view: View) -> bool:
        log = view["tail"].log
        return bool(log == list(range(1, len(log) + 1)))

    world.always(in_order)
    world.always(lambda view: set(view.history) <= set(view["tail"].log), "what is done is kept")
    world.at_rest(lambda view: len(view["tail"].log) == UPDATES, "all arrive")
    world.sometimes(
        lambda view: view["middle"].dead and len(view.history) == UPDATES, "goes on without"
    )


SPECIMENS = (
    Specimen(
        "chain replication",
        fill,
        {
            "the head answers": Bug("easy", 2),
            "sends nothing again": Bug("easy", 10),
            "sends the newest again": Bug("easy", 11),
            "the tail takes copies": Bug("easy", 7),
            "an acknowledgement is for all": Bug("easy", 13),
        },
        faults=Faults(crashes={"middle": 1}),
    ),
)
