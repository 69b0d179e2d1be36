"""Every state of a model, the slow way: whole worlds are copied, and nothing is remembered."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from itertools import combinations
from typing import Any

from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._faults import Network
from dramaturg.protocols.testing._outputs import CancelTimer, Noted, SetTimer


def fields_of(actor: object) -> str:
    """Return what the fields of an actor are, those apart that never change."""
    fields = vars(actor).items()
    return repr(sorted((name, value) for name, value in fields if not callable(value)))


@dataclass(frozen=True)
class Message:
    sender: str
    receiver: str
    content: Any
    arrived: bool = False


@dataclass
class World:
    model: Model
    actors: dict[str, Any]
    left: dict[str, int]
    down: set[str] = field(default_factory=set[str])
    timers: dict[tuple[str, str], Fraction] = field(default_factory=dict[tuple[str, str], Fraction])
    now: Fraction = Fraction(0)
    messages: list[Message] = field(default_factory=list[Message])
    notes: list[Any] = field(default_factory=list[Any])
    part: frozenset[str] | None = None

    # -- what a check sees

    def __getitem__(self, name: str) -> Any:
        return self.actors[name]

    def up(self, name: str) -> bool:
        return name not in self.down

    @property
    def history(self) -> tuple[Any, ...]:
        return tuple(self.notes)

    # -- what makes it different from others

    def key(self) -> object:
        fields = tuple(fields_of(actor) for actor in self.actors.values())
        timers = frozenset((key, due - self.now) for key, due in self.timers.items())
        return (
            fields,
            frozenset(self.down),
            timers,
            self._in_flight(),
            self.history,
            tuple(self.left.values()),
            self._parts_now(),
        )

    def _parts_now(self) -> object:
        parts = [self.part, frozenset(self.actors) - self.part] if self.part else []
        return frozenset(parts)

    def shown(self) -> object:
        """Return what checks can tell that do not look at messages."""
        fields = tuple(fields_of(actor) for actor in self.actors.values())
        return fields, frozenset(self.down), self.history

    def _in_flight(self) -> object:
        all_of_it = [(m.sender, m.receiver, m.content, m.arrived) for m in self.messages]
        if self.model.network is not Network.FIFO:
            return frozenset(Counter(all_of_it).items())
        channels: dict[tuple[str, str], list[Any]] = {}
        for sender, receiver, content, _ in all_of_it:
            channels.setdefault((sender, receiver), []).append(content)
        return frozenset((channel, tuple(said)) for channel, said in channels.items())

    def at_rest(self) -> bool:
        return not (self.timers or self.down or self.part or self._undelivered())

    def _undelivered(self) -> list[Message]:
        return [each for each in self.messages if not each.arrived]

    # -- what may happen

    def successors(self) -> Iterator[World]:
        for change in self._changes():
            world = self._copied()
            change(world)
            yield world

    def _copied(self) -> World:
        return replace(
            self,
            actors=copy.deepcopy(self.actors),
            left=dict(self.left),
            down=set(self.down),
            timers=dict(self.timers),
            messages=list(self.messages),
            notes=list(self.notes),
        )

    def _changes(self) -> Iterator[Callable[[World], None]]:
        yield from self._changes_of_messages()
        for name in self.down:
            yield partial(World.restart, name=name)
        if self.part is not None:
            yield World.heal
        elif self.left["partition"]:
            for part in self._parts():
                yield partial(World.fall_apart, part=part)
        for name in self.actors:
            if name not in self.down and self.left[self.budget_of(name)]:
                yield partial(World.crash, name=name)
        for key, kind in self._ringing():
            if kind == "timer" or self.left[kind]:
                yield partial(World.ring, key=key, kind=kind)

    def _changes_of_messages(self) -> Iterator[Callable[[World], None]]:
        heads: set[tuple[str, str]] = set()
        for at, message in enumerate(self.messages):
            channel = (message.sender, message.receiver)
            late = self.model.network is Network.FIFO and channel in heads
            heads.add(channel)
            exposed = message.sender in self.actors and message.sender != message.receiver
            if self._passes(message) and (not late or (exposed and self.left["reorder"])):
                yield partial(World.deliver, at=at, late=late)
            if exposed and self.left["drop"]:
                yield partial(World.lose, at=at)
            if exposed and self.left["duplicate"] and self.model.network is not Network.REPEATING:
                yield partial(World.double, at=at)

    def _passes(self, message: Message) -> bool:
        if message.receiver in self.down:
            return False
        if not self.part or message.sender not in self.actors:
            return True
        return (message.sender in self.part) == (message.receiver in self.part)

    def _parts(self) -> Iterator[frozenset[str]]:
        names = set(self.actors)
        if len(names) > 4:
            yield from (frozenset({name}) for name in names)
            return
        for size in range(1, len(names)):
            yield from map(frozenset, combinations(names, size))  # each division twice: no matter

    def _ringing(self) -> Iterator[tuple[tuple[str, str], str]]:
        for key, due in self.timers.items():
            if self.model.free_timers:
                yield key, "timer"
            elif due > min(self.timers.values()):
                yield key, "skew"
            else:
                busy = any(self._passes(each) for each in self._undelivered())
                yield key, "early" if busy else "timer"

    def budget_of(self, name: str) -> str:
        return "crash " + self.model.faults.crash_budget_of(name)

    # -- what happens

    def deliver(self, at: int, *, late: bool) -> None:
        message = self.messages[at]
        if self.model.network is Network.REPEATING:
            self.messages[at] = replace(message, arrived=True)
        else:
            del self.messages[at]
        self.left["reorder"] -= late
        actor = self.actors[message.receiver]
        self.publish(message.receiver, actor.on_message(message.sender, message.content))

    def lose(self, at: int) -> None:
        del self.messages[at]
        self.left["drop"] -= 1

    def double(self, at: int) -> None:
        self.messages.insert(at, self.messages[at])
        self.left["duplicate"] -= 1

    def ring(self, key: tuple[str, str], kind: str) -> None:
        due = self.timers.pop(key)
        self.now = max(self.now, due)
        if kind != "timer":
            self.left[kind] -= 1
        self.publish(key[0], self.actors[key[0]].on_timer(key[1]))

    def crash(self, name: str) -> None:
        self.left[self.budget_of(name)] -= 1
        crashed = self.actors[name]
        fresh = copy.deepcopy(self.model.actors[name])
        for each in crashed.durable:
            setattr(fresh, each, getattr(crashed, each))
        self.actors[name] = fresh
        self.down.add(name)
        self.timers = {key: due for key, due in self.timers.items() if key[0] != name}
        if self.model.faults.lost_with_crash:
            self.messages = [each for each in self.messages if each.receiver != name]

    def restart(self, name: str) -> None:
        self.down.remove(name)
        self.publish(name, self.actors[name].on_restart())

    def heal(self) -> None:
        self.part = None

    def fall_apart(self, part: frozenset[str]) -> None:
        self.part = part
        self.left["partition"] -= 1

    def publish(self, name: str, outputs: list[Any]) -> None:
        for output in outputs:
            if isinstance(output, SetTimer):
                after = Fraction(0) if self.model.free_timers else Fraction(output.after)
                self.timers[name, output.name] = self.now + after
            elif isinstance(output, CancelTimer):
                self.timers.pop((name, output.name), None)
            elif isinstance(output, Noted):
                self.notes.append(output.value)
            else:
                self.send(name, *output)

    def send(self, sender: str, receiver: str, content: Any) -> None:
        known = [(each.sender, each.receiver, each.content) for each in self.messages]
        if self.model.network is Network.REPEATING and (sender, receiver, content) in known:
            return
        self.messages.append(Message(sender, receiver, content))


def started(model: Model) -> World:
    faults = model.faults
    left = {f"crash {beginning}": most for beginning, most in faults.crash_budgets().items()}
    left |= {"drop": faults.drops, "duplicate": faults.duplicates, "reorder": faults.reorders}
    left |= {"early": faults.early_timers, "skew": faults.skews, "partition": faults.partitions}
    world = World(model, copy.deepcopy(dict(model.actors)), left)
    for sent in model.sent:
        world.send(*sent)
    for name, actor in world.actors.items():
        world.publish(name, actor.on_start())
    return world


def reachable(model: Model) -> Mapping[object, tuple[int, World]]:
    """Return the states by their keys, each with the number of events to it."""
    start = started(model)
    level = [start]
    found = {start.key(): (0, start)}
    depth = 0
    while level:
        depth += 1
        reached: list[World] = []
        for world in level:
            for new in world.successors():
                key = new.key()
                if key not in found:
                    found[key] = (depth, new)
                    reached.append(new)
        level = reached
    return found
