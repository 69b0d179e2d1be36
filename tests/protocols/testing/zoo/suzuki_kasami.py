"""A token that goes to whoever asks (Suzuki and Kasami, 1985)."""

from typing import NamedTuple

from dramaturg.protocols.testing import Network, View, World
from tests.protocols.testing.zoo.specimen import Actor, Bug, Outputs, Specimen

NAMES = ["a", "b", "c"]
TURNS = {"a": 1, "b": 2, "c": 1}


class Want(NamedTuple): ...


class Leave(NamedTuple): ...


class Request(NamedTuple):
    number: int


class Token(NamedTuple):
    queue: tuple[str, ...]
    last: tuple[int, ...]


class Node(Actor):
    def __init__(self, variant: str, name: str) -> None:
        super().__init__(variant)
        self.name = name
        self.turns = TURNS[name]
        self.numbers = dict.fromkeys(NAMES, 0)
        self.token = Token((), (0, 0, 0)) if name == "a" else None
        self.inside = False
        self.wants = False

    def on_start(self) -> Outputs:
        return [(self.name, Want())]

    def want(self, sender: str) -> Outputs:
        self.turns -= 1
        self.wants = True
        self.numbers[self.name] += 1
        if self.token is not None:
            return self.enter()
        request = Request(self.numbers[self.name])
        return [(each, request) for each in NAMES if each != self.name]

    def enter(self) -> Outputs:
        self.inside = True
        return [(self.name, Leave())]

    def request(self, sender: str, number: int) -> Outputs:
        newest = number if self.variant == "an old request counts" else self.numbers[sender]
        self.numbers[sender] = max(newest, number)
        token = self.token
        if token is None or (self.inside and self.variant != "gives it away while inside"):
            return []
        wanted = self.numbers[sender] == token.last[NAMES.index(sender)] + 1
        if not wanted and self.variant != "does not look whether it was served":
            return []
        if self.variant != "keeps a copy":
            self.token = None
        return [(sender, token)]

    def leave(self, sender: str) -> Outputs:
        self.inside = False
        self.wants = False
        token = self.token
        again: Outputs = [(self.name, Want())] if self.turns else []
        if token is None:
            return again
        place = NAMES.index(self.name)
        last = (*token.last[:place], self.numbers[self.name], *token.last[place + 1 :])
        queue = list(token.queue)
        for each, done in zip(NAMES, last, strict=True):
            if each not in queue and self.numbers[each] == done + 1:
                queue.append(each)
        if not queue:
            self.token = Token((), last)
            return again
        self.token = None
        return [*again, (queue[0], Token(tuple(queue[1:]), last))]

    def on_token(self, token: Token) -> Outputs:
        self.token = token
        return self.enter()

    def on_message(self, sender: str, message: object) -> Outputs:
        if isinstance(message, Token):
            return self.on_token(message)
        return super().on_message(sender, message)


def fill(world: World, variant: str) -> None:
    for name in NAMES:
        world.add(name, Node(variant, name))
    world.always(lambda view: sum(view[name].inside for name in NAMES) <= 1, "one inside")
    world.always(lambda view: all(view[n].wants or not view[n].inside for n in NAMES), "wanted")
    world.at_rest(served)
    world.sometimes(lambda view: any(len(view[n].token.queue) for n in holders(view)), "one waits")


def holders(view: View) -> list[str]:
    return [name for name in NAMES if view[name].token is not None]


def served(view: View) -> bool:
    last = [view[name].token.last for name in holders(view)]
    return last == [tuple(TURNS[name] for name in NAMES)]


SPECIMENS = (
    Specimen(
        "Suzuki-Kasami token",
        fill,
        {
            "gives it away while inside": Bug("easy", 9),
            "does not look whether it was served": Bug("easy", 10),
            "keeps a copy": Bug("easy", 4),
            "an old request counts": Bug("hard", 15),
        },
        network=Network.UNORDERED,
    ),
)
