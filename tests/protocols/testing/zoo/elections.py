"""Elections: Chang and Roberts on a ring (1979), the bully (Garcia-Molina, 1982) with a detector.

In the bully's world who has crashed stays dead: after its restart it answers nobody, and
the news that it is dead comes from it, as a failure detector without errors would give it.
"""

from typing import NamedTuple

from dramaturg.protocols.testing import CancelTimer, Faults, SetTimer, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

RING = [3, 1, 4, 2]


class Start(NamedTuple): ...


class Candidate(NamedTuple):
    number: int


class Elected(NamedTuple):
    number: int


class Member(Actor):
    def __init__(self, variant: str, place: int) -> None:
        super().__init__(variant)
        self.number = RING[place]
        self.following = f"m{(place + 1) % len(RING)}"
        self.takes_part = False
        self.leader: int | None = None

    def start(self, sender: str) -> Outputs:
        if self.takes_part or self.leader is not None:
            return []
        self.takes_part = True
        return [(self.following, Candidate(self.number))]

    def candidate(self, sender: str, number: int) -> Outputs:
        if number == self.number:
            self.leader = number
            return [(self.following, Elected(number))]
        if number > self.number or self.variant == "passes the smaller on":
            self.takes_part = True
            return [(self.following, Candidate(number))]
        if self.variant == "swallows without standing itself":
            return []
        return self.start(sender)

    def elected(self, sender: str, number: int) -> Outputs:
        self.takes_part = False
        if self.leader == number:
            return []
        self.leader = number
        return [(self.following, Elected(number))]


def fill_ring(world: World, variant: str) -> None:
    names = [f"m{place}" for place in range(len(RING))]
    for place, name in enumerate(names):
        world.add(name, Member(variant, place))
    for name in ("m1", "m3", "m0"):
        world.send("user", name, Start())

    def leaders(view: View) -> set[int | None]:
        return {view[name].leader for name in names}

    world.always(lambda view: len(leaders(view) - {None}) <= 1, "one leader")
    world.at_rest(lambda view: leaders(view) == {max(RING)}, "everybody knows the greatest")


class Election(NamedTuple): ...


class Answer(NamedTuple): ...


class Lead(NamedTuple): ...


class Died(NamedTuple): ...


BULLIES = ["b1", "b2", "b3", "b4"]


class Bully(Actor):
    durable = ("dead",)

    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.higher = [each for each in BULLIES if each > name]
        self.lower = [each for each in BULLIES if each < name]
        self.leader = BULLIES[-1]
        self.electing = False
        self.dead = False

    def on_crash(self) -> None:
        self.dead = True

    def on_restart(self) -> Outputs:
        return [(each, Died()) for each in self.higher + self.lower]

    def on_message(self, sender: str, message: object) -> Outputs:
        return [] if self.dead else super().on_message(sender, message)

    def stand(self) -> Outputs:
        self.electing = True
        if not self.higher or self.variant == "does not wait for answers":
            return self.win()
        return [*[(each, Election()) for each in self.higher], SetTimer("answer", 2)]

    def died(self, sender: str) -> Outputs:
        return [] if self.electing or sender != self.leader else self.stand()

    def election(self, sender: str) -> Outputs:
        return [(sender, Answer()), *([] if self.electing else self.stand())]

    def answer(self, sender: str) -> Outputs:
        if not self.electing:
            return []
        if self.variant == "waits for ever after an answer":
            return [CancelTimer("answer")]
        return [CancelTimer("answer"), SetTimer("leader", 10)]

    def on_timer(self, name: str) -> Outputs:
        return self.win() if name == "answer" else self.stand()

    def win(self) -> Outputs:
        self.leader = self.name
        self.electing = False
        return [CancelTimer("answer"), *[(each, Lead()) for each in self.lower]]

    def lead(self, sender: str) -> Outputs:
        self.leader = sender
        self.electing = False
        return [CancelTimer("answer"), CancelTimer("leader")]


def greatest_leads(view: View) -> bool:
    alive = [name for name in BULLIES if not view[name].dead]
    return all(view[name].leader == max(alive) for name in alive)


def fill_bully(world: World, variant: str) -> None:
    for name in BULLIES:
        world.add(name, Bully(variant, name))
    world.at_rest(greatest_leads)
    world.sometimes(lambda view: view["b1"].leader == "b2", "two leaders die")


SPECIMENS = (
    Specimen(
        "Chang-Roberts ring",
        fill_ring,
        {
            "passes the smaller on": Bug("easy", 10),
            "swallows without standing itself": Bug("easy", 6),
        },
    ),
    Specimen(
        "bully",
        fill_bully,
        {
            "does not wait for answers": Bug("easy", 8),
            "waits for ever after an answer": Bug("hard", 18),
        },
        faults=Faults(crashes={"b4": 1, "b3": 1}),
    ),
)
