"""A work queue that delivers at least once: who does not acknowledge in time loses the task."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

TASKS = [1, 2]
WORKERS = ["w1", "w2"]


class Lend(NamedTuple):
    number: int


class Ack(NamedTuple):
    number: int


class Result(NamedTuple):
    number: int


class Stored(NamedTuple):
    number: int


class Queue(Actor):
    """Lends each task to one worker after the other until somebody acknowledges it."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.open = list(TASKS)
        self.attempts = 0

    def on_start(self) -> Outputs:
        return [output for number in TASKS for output in self.lend_out(number)]

    def lend_out(self, number: int) -> Outputs:
        self.attempts += 1
        again: Outputs = [SetTimer(f"task{number}", 10)]
        if self.variant == "lends again only once" and self.attempts > len(TASKS):
            again = []
        return [(WORKERS[self.attempts % len(WORKERS)], Lend(number)), *again]

    def ack(self, sender: str, number: int) -> Outputs:
        if self.variant == "an acknowledgement is for the oldest" and self.open:
            number = self.open[0]
        if number in self.open:
            self.open.remove(number)
        return [CancelTimer(f"task{number}")]

    def on_timer(self, name: str) -> Outputs:
        return self.lend_out(int(name.removeprefix("task")))


class Worker(Actor):
    """Has the result of a task stored, and acknowledges the task when it is."""

    def lend(self, sender: str, number: int) -> Outputs:
        if self.variant == "acknowledges what it has not done":
            return [("q", Ack(number)), ("store", Result(number))]
        return [("store", Result(number))]

    def stored(self, sender: str, number: int) -> Outputs:
        return [("q", Ack(number))]


class Store(Actor):
    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = ("results",)
        self.results: list[int] = []

    def result(self, sender: str, number: int) -> Outputs:
        if number not in self.results or self.variant == "the store takes copies":
            self.results.append(number)
        return [(sender, Stored(number))]


def fill(world: World, variant: str) -> None:
    world.add("q", Queue(variant))
    world.add("store", Store(variant))
    for name in WORKERS:
        world.add(name, Worker(variant))

    def each_once(view: View) -> bool:
        results = view["store"].results
        return len(results) == len(set(results))

    def all_done(view: View) -> bool:
        return set(view["store"].results) == set(TASKS)

    world.always(each_once)
    world.at_rest(all_done)
    world.sometimes(lambda view: view["q"].attempts > len(TASKS), "a task is lent again")


SPECIMENS = (
    Specimen(
        "work queue",
        fill,
        {
            "the store takes copies": Bug("easy", 5),
            "acknowledges what it has not done": Bug("easy", 6),
            "an acknowledgement is for the oldest": Bug("easy", 10),
            "lends again only once": Bug("hard", 6),
        },
        faults=Faults(crashes={"w": 1}, drops=2, early_timers=1, lost_with_crash=True),
    ),
)
