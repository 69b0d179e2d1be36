"""A counter that two clients read and write back: one of two updates may be lost."""

from typing import Any

from dramaturg.protocols.testing import Output, View, World


class Store:
    """Holds a number; writes it if asked to, whatever it was read as."""

    def __init__(self) -> None:
        self.value = 0

    def on_message(self, sender: str, message: Any) -> list[Output]:
        kind, value = message
        if kind == "read":
            return [(sender, ("value", self.value))]
        self.value = value
        return [(sender, ("written", value))]


class Client:
    """Adds one."""

    def __init__(self) -> None:
        self.done = False

    def on_start(self) -> list[Output]:
        return [("store", ("read", None))]

    def on_message(self, sender: str, message: Any) -> list[Output]:
        kind, value = message
        if kind == "value":
            return [("store", ("write", value + 1))]
        self.done = True
        return []


class CarefulStore(Store):
    """Lends the number to one at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.lent = False
        self.waiting: tuple[str, ...] = ()

    def on_message(self, sender: str, message: Any) -> list[Output]:
        if message[0] == "read" and self.lent:
            self.waiting = (*self.waiting, sender)
            return []
        outputs = super().on_message(sender, message)
        self.lent = message[0] == "read"
        if not self.lent and self.waiting:
            first, *rest = self.waiting
            self.waiting = tuple(rest)
            self.lent = True
            outputs.append((first, ("value", self.value)))
        return outputs


def both_count(view: View) -> bool:
    return bool(view["store"].value == 2)


def lost_update(world: World) -> None:
    """Fill a world in which an update can be lost."""
    world.add("store", Store())
    world.add("a", Client())
    world.add("b", Client())
    world.at_rest(both_count)


def careful(world: World) -> None:
    """Fill a world in which no update is lost."""
    world.add("store", CarefulStore())
    world.add("a", Client())
    world.add("b", Client())
    world.at_rest(both_count)
    world.sometimes(lambda view: view["store"].waiting != (), "somebody waits")


SHORTEST = 8
"""So many events every run has: each client reads, gets the value, writes and is told."""
