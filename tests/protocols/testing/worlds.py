"""Plain actors that several test files use."""

from collections.abc import Callable
from typing import Any

from dramaturg.protocols.testing import Output, SetTimer, World


class Keeper:
    """Keeps what it gets, and answers nothing."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def on_message(self, sender: str, message: Any) -> list[Output] | None:
        self.got.append(message)
        return None


class Source:
    """Sends one message after the other to one receiver when it starts."""

    def __init__(self, receiver: str, *messages: Any) -> None:
        self.receiver = receiver
        self.messages = messages

    def on_start(self) -> list[Output]:
        return [(self.receiver, message) for message in self.messages]

    def on_message(self, sender: str, message: Any) -> list[Output] | None:
        return None


class Ringing(Keeper):
    """Keeps which of its timers has rung, beside what it gets."""

    def __init__(self, **timers: float) -> None:
        super().__init__()
        self.timers = timers

    def on_start(self) -> list[Output]:
        return [SetTimer(name, after) for name, after in self.timers.items()]

    def on_timer(self, name: str) -> None:
        self.got.append(name)


class Book(Keeper):
    """Has a durable field and another one, and says when it comes back."""

    durable = ("kept",)

    def __init__(self) -> None:
        super().__init__()
        self.kept: tuple[Any, ...] = ()
        self.crashed_with: list[Any] = []
        self.restarts = 0

    def on_message(self, sender: str, message: Any) -> list[Output] | None:
        self.kept = (*self.kept, message)
        return super().on_message(sender, message)

    def on_restart(self) -> list[Output]:
        self.restarts += 1
        return [("log", ("back", self.kept))]


def two_sources(world: World) -> None:
    """Let one send two messages, and another one, to the same."""
    world.add("a", Source("c", 1, 2))
    world.add("b", Source("c", 3))
    world.add("c", Keeper())


def book(world: World) -> None:
    """Let a book get two messages from outside."""
    world.add("b", Book())
    world.add("log", Keeper())
    for number in (1, 2):
        world.send("user", "b", number)


def begun(fill: Callable[[World], None], **options: Any) -> World:
    """Make a world and let it begin."""
    world = World(**options)
    fill(world)
    world.begin()
    return world


def names(events: Any) -> list[str]:
    """Return the names of events."""
    return [event.name for event in events]


def do(world: World, *wanted: str) -> None:
    """Let events happen, by name."""
    for name in wanted:
        possible = [*world.enabled(), *world.faults()]
        (event,) = [each for each in possible if each.name == name]
        world.execute(event)
