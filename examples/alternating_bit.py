"""The alternating bit: items arrive once and in order over a line that loses and doubles.

Each item carries one bit, the next item the other one; the receiver sends the bit back, and the
sender sends the item again until it comes. The planted bug acknowledges a copy with the bit
that is expected, not the one that came: the sender waits for ever, or skips the next item.

Run it with `python -m examples.alternating_bit`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from dramaturg.actors import Actor, ActorRef, Props, handler
from dramaturg.protocols.testing import (
    CancelTimer,
    Exploration,
    Faults,
    Model,
    Output,
    SetTimer,
    Simulation,
    Verdict,
    World,
    explore,
    explore_all,
    explore_system,
)

ITEMS: Final = ("a", "b", "c")
PATIENCE: Final = 1.0


@dataclass(frozen=True)
class Data:
    """To the receiver: an item."""

    bit: int
    item: str


@dataclass(frozen=True)
class Ack:
    """To the sender: it is here."""

    bit: int


Take: TypeAlias = Callable[[list[str], Data], Ack]
"""What a receiver does: keep what is new, and acknowledge."""


def take(items: list[str], data: Data) -> Ack:
    """Keep what is new, and acknowledge what came, be it new or not."""
    if data.bit == len(items) % 2:
        items.append(data.item)
    return Ack(data.bit)


def take_wrongly(items: list[str], data: Data) -> Ack:
    """Acknowledge a copy with the wrong bit: the bug."""
    expected = len(items) % 2
    if data.bit == expected:
        items.append(data.item)
    return Ack(expected)


def in_order(items: list[str]) -> bool:
    """Tell whether the items are the first ones that were sent."""
    return tuple(items) == ITEMS[: len(items)]


def in_time(items: list[str], now: float) -> bool:
    """Tell whether one loss has cost no more than one alarm."""
    return now <= PATIENCE or tuple(items) == ITEMS


# -- tried out: plain actors ---------------------------------------------------------------


class SenderModel:
    """Sends an item again until it is acknowledged, then the next one."""

    def __init__(self) -> None:
        self.sent = 0

    def on_start(self) -> list[Output]:
        """Send the first one."""
        return self.send()

    def on_message(self, sender: str, message: Ack) -> list[Output]:
        """Go on to the next one; an old bit says nothing."""
        if message.bit != self.sent % 2:
            return []
        self.sent += 1
        return self.send() if self.sent < len(ITEMS) else [CancelTimer("again")]

    def on_timer(self, name: str) -> list[Output]:
        """Send it again."""
        return self.send()

    def send(self) -> list[Output]:
        """Send the item that is due."""
        data = Data(self.sent % 2, ITEMS[self.sent])
        return [("receiver", data), SetTimer("again", PATIENCE)]


class ReceiverModel:
    """Keeps what is new."""

    def __init__(self, rule: Take) -> None:
        self.rule = rule
        self.items: list[str] = []

    def on_message(self, sender: str, message: Data) -> list[Output]:
        """Acknowledge."""
        return [(sender, self.rule(self.items, message))]


FAULTS: Final = Faults(drops=1, duplicates=1)


def states(rule: Take) -> Exploration:
    """Look at every state: one message is lost, one is doubled, whichever and whenever."""
    return explore_all(
        Model(
            actors={"sender": SenderModel(), "receiver": ReceiverModel(rule)},
            faults=FAULTS,
            always={
                "in order": lambda view: in_order(view["receiver"].items),
                "in time": lambda view: in_time(view["receiver"].items, view.now),
            },
            at_rest={"all there": lambda view: tuple(view["receiver"].items) == ITEMS},
        )
    )


def runs(rule: Take) -> Verdict:
    """Look for a run, as one would where there are too many states."""

    def scenario(world: World) -> None:
        world.add("sender", SenderModel())
        world.add("receiver", ReceiverModel(rule))
        world.always(lambda view: in_order(view["receiver"].items), "in order")
        world.always(lambda view: in_time(view["receiver"].items, view.now), "in time")
        world.at_rest(lambda view: tuple(view["receiver"].items) == ITEMS, "all there")
        world.sometimes(lambda view: view.now > 0, "something is sent again")

    return explore(scenario, faults=FAULTS)


# -- built: actors, as they run in production ----------------------------------------------


@dataclass(frozen=True)
class Again:
    """The sender's own alarm."""


@dataclass(frozen=True)
class Lose:
    """To the line: lose what comes next."""


@dataclass(frozen=True)
class Double:
    """To the line: double what comes next."""


class Sender(Actor):
    """Sends an item again until it is acknowledged, then the next one."""

    def __init__(self, line: ActorRef[Any]) -> None:
        self.line = line
        self.sent = 0
        self.again = 0

    def on_start(self) -> None:
        """Send the first one."""
        self.send()

    @handler
    def acknowledged(self, message: Ack) -> None:
        """Go on to the next one; an old bit says nothing."""
        if message.bit == self.sent % 2:
            self.sent += 1
            self.send()

    @handler
    def alarm(self, message: Again) -> None:
        """Send it again."""
        self.again += 1
        self.send()

    def send(self) -> None:
        """Send the item that is due, if one is."""
        self.context.cancel_timer("again")
        if self.sent < len(ITEMS):
            self.line.tell(Data(self.sent % 2, ITEMS[self.sent]))
            self.context.start_timer("again", Again(), after=PATIENCE)


class Receiver(Actor):
    """Keeps what is new."""

    def __init__(self, line: ActorRef[Any], rule: Take) -> None:
        self.line = line
        self.rule = rule
        self.items: list[str] = []

    @handler
    def data(self, message: Data) -> None:
        """Acknowledge."""
        self.line.tell(self.rule(self.items, message))


class Line(Actor):
    """Hands on what it is given, in both directions, but for the weather."""

    def __init__(self) -> None:
        self.copies = 1

    @handler
    def hand_on(self, message: Data | Ack) -> None:
        """Hand it on, so many times."""
        end = self.context.lookup("/receiver" if isinstance(message, Data) else "/sender")
        for _ in range(self.copies):
            if end is not None:
                end.tell(message)
        self.copies = 1

    @handler
    def lose(self, message: Lose) -> None:
        """Lose the next one."""
        self.copies = 0

    @handler
    def double(self, message: Double) -> None:
        """Double the next one."""
        self.copies = 2


class Weather(Actor):
    """Strikes once; when, and so what it hits, is for the schedule to say."""

    def __init__(self, line: ActorRef[Line]) -> None:
        self.line = line

    @handler
    def strike(self, message: Lose | Double) -> None:
        """Strike."""
        self.line.tell(message)


async def transmission(sim: Simulation, rule: Take) -> None:
    """Send the items over a line, under a loss and an echo."""
    line = sim.system.spawn(Line, name="line")
    for name, strike in (("loss", Lose()), ("echo", Double())):
        sim.system.spawn(Props(Weather, line), name=name).tell(strike)
    receiver = sim.system.spawn(Props(Receiver, line, rule), name="receiver")
    await receiver.started()
    sim.system.spawn(Props(Sender, line), name="sender")
    sim.always(lambda view: in_order(view["/receiver"].items), "in order")
    sim.always(lambda view: in_time(view["/receiver"].items, view.now), "in time")
    sim.at_rest(lambda view: tuple(view["/receiver"].items) == ITEMS, "all there")
    sim.sometimes(lambda view: view["/sender"] and view["/sender"].again, "something is sent again")


def system(rule: Take) -> Verdict:
    """Look for a run of the actors in which an item does not arrive."""
    return explore_system(partial(transmission, rule=rule), schedules=200)


def main() -> None:
    """Show both, as they should be and with the bug."""
    print("every state of the model:", states(take))
    print("the wrong bit:", states(take_wrongly))
    print("runs of the model:", runs(take))
    print("the wrong bit:", runs(take_wrongly))
    print()
    print("actors:", system(take))
    print("the wrong bit:", system(take_wrongly))


if __name__ == "__main__":
    main()
