"""Go-back-N: a window of two items over a network that loses, numbers that begin again."""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, SetTimer, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

ITEMS = 4
WINDOW = 2


class Data(NamedTuple):
    number: int
    item: int


class Ack(NamedTuple):
    expected: int


class Sender(Actor):
    def __init__(self, variant: str, modulus: int) -> None:
        super().__init__(variant)
        self.modulus = modulus
        self.base = 0
        self.next = 0

    def data(self, item: int) -> tuple[str, Data]:
        return ("r", Data(item % self.modulus, item))

    def on_start(self) -> Outputs:
        return self.fill_window()

    def fill_window(self) -> Outputs:
        new: Outputs = []
        while self.next < min(ITEMS, self.base + WINDOW):
            new.append(self.data(self.next))
            self.next += 1
        if self.base == ITEMS:
            return [CancelTimer("again")]
        return [*new, SetTimer("again", 5)]

    def ack(self, sender: str, expected: int) -> Outputs:
        newly = (expected - self.base) % self.modulus
        if not 0 < newly <= self.next - self.base:
            return []
        self.base += newly
        window = self.fill_window()
        if self.variant == "rests when the window moves" and self.base < ITEMS:
            return [*window[:-1], CancelTimer("again")]
        return window

    def on_timer(self, name: str) -> Outputs:
        if self.variant == "sends again only the first":
            return [self.data(self.base), SetTimer("again", 5)]
        return [*[self.data(item) for item in range(self.base, self.next)], SetTimer("again", 5)]


class Receiver(Actor):
    def __init__(self, variant: str, modulus: int) -> None:
        super().__init__(variant)
        self.modulus = modulus
        self.got: list[int] = []

    def data(self, sender: str, number: int, item: int) -> Outputs:
        expected = len(self.got) % self.modulus
        if number == expected or self.variant == "takes what comes":
            self.got.append(item)
        return [(sender, Ack(len(self.got) % self.modulus))]


def fill(world: World, variant: str) -> None:
    modulus = WINDOW if variant == "as many numbers as the window" else WINDOW + 1
    world.add("s", Sender(variant, modulus))
    world.add("r", Receiver(variant, modulus))
    world.always(lambda view: view["r"].got == list(range(len(view["r"].got))), "in order")
    world.at_rest(lambda view: len(view["r"].got) == ITEMS, "all are there")
    world.sometimes(lambda view: view.now > 0, "something is sent again")


SPECIMENS = (
    Specimen(
        "go back n",
        fill,
        {
            "takes what comes": Bug("easy", 2),
            "rests when the window moves": Bug("easy", 4),
            "as many numbers as the window": Bug("easy", 4),
        },
        correct=("correct", "sends again only the first"),
        faults=Faults(drops=3, early_timers=1),
    ),
)
