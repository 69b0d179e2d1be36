"""A saga (Garcia-Molina and Salem, 1987): three bookings, or those that were made are undone."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, Network, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

SERVICES = ["flight", "hotel", "car"]


class Do(NamedTuple): ...


class Undo(NamedTuple): ...


class Done(NamedTuple): ...


class Refused(NamedTuple): ...


class Undone(NamedTuple): ...


class Orchestrator(Actor):
    """Goes on to the next step, or back; on a timeout back, for nobody knows what was done."""

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.durable = ("step",) if variant == "direction not durable" else ("step", "back")
        self.step = 0
        self.back = False

    @property
    def finished(self) -> bool:
        return self.step < 0 or self.step == len(SERVICES)

    def go(self) -> Outputs:
        if self.finished:
            return [CancelTimer("patience")]
        order = Undo() if self.back else Do()
        return [(SERVICES[self.step], order), SetTimer("patience", 10)]

    def on_start(self) -> Outputs:
        return self.go()

    def on_restart(self) -> Outputs:
        return self.go()

    def turn_back(self, *, sure: bool) -> Outputs:
        self.back = True
        if sure or self.variant == "the step that timed out is not undone":
            self.step -= 1
        return self.go()

    def on_timer(self, name: str) -> Outputs:
        return self.go() if self.back else self.turn_back(sure=False)

    def expects(self, sender: str) -> bool:
        return not self.finished and SERVICES[self.step] == sender

    def done(self, sender: str) -> Outputs:
        if self.back or not self.expects(sender):
            return []
        self.step += 1
        return self.go()

    def refused(self, sender: str) -> Outputs:
        return [] if self.back or not self.expects(sender) else self.turn_back(sure=True)

    def undone(self, sender: str) -> Outputs:
        if not self.back or not self.expects(sender):
            return []
        self.step -= 2 if self.variant == "undoes every other" and self.step == 2 else 1
        return self.go()


class Service(Actor):
    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.booked = False
        self.cancelled = False

    def do(self, sender: str) -> Outputs:
        # What was cancelled before it was ordered must never be booked.
        if self.cancelled and self.variant != "the order may come after its cancellation":
            return [(sender, Refused())]
        self.booked = True
        return [(sender, Done())]

    def undo(self, sender: str) -> Outputs:
        self.booked = False
        self.cancelled = True
        return [(sender, Undone())]


def fill(world: World, variant: str) -> None:
    world.add("o", Orchestrator(variant))
    for name in SERVICES:
        world.add(name, Service(variant, name))

    def booked(view: View) -> int:
        return sum(view[name].booked for name in SERVICES)

    def all_or_none(view: View) -> bool:
        return booked(view) == (0 if view["o"].back else len(SERVICES))

    world.at_rest(all_or_none)
    world.at_rest(lambda view: view["o"].finished, "it comes to an end")
    world.sometimes(lambda view: view["o"].step == len(SERVICES), "all booked")
    world.sometimes(lambda view: view["o"].step < 0, "all undone")


SPECIMENS = (
    Specimen(
        "saga",
        fill,
        {
            "the step that timed out is not undone": Bug("easy", 3),
            "undoes every other": Bug("easy", 10),
            "direction not durable": Bug("hard", 6),
            "the order may come after its cancellation": Bug("hard", 5),
        },
        network=Network.UNORDERED,
        faults=Faults(crashes={"o": 1}, drops=1, duplicates=1, early_timers=1),
    ),
)
