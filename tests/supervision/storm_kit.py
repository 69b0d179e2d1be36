"""Numbered messages, children that crash on some of them, and a ledger of where each went."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pykka

from dramaturg.actors import Actor, ActorSystem, DeadLetterReason, ThreadActor, handler
from tests.actors.kit import Crash
from tests.actors.messaging_kit import until

ENDLESS = 10_000_000
"""More restarts than there can be."""


@dataclass(frozen=True)
class Item:
    """The message of that number from that sender; the handler may have to crash on it."""

    sender: int
    number: int
    crash: bool = False

    @property
    def key(self) -> tuple[int, int]:
        return self.sender, self.number


class Target(Actor):
    """Notes what it has handled, as the last act of its handler."""

    def __init__(self, log: list[tuple[int, int]]) -> None:
        self.log = log

    @handler
    def item(self, message: Item) -> Any:
        if message.crash:
            raise Crash(message.key)
        self.log.append(message.key)
        return message.key


class AsyncTarget(Target):
    @handler
    async def item(self, message: Item) -> Any:
        # Nothing is noted if it is cancelled here.
        await asyncio.sleep(0)
        return super().item(message)


class ThreadTarget(Target, ThreadActor):
    pass


class PykkaTarget(pykka.ThreadingActor):
    def __init__(self, log: list[tuple[int, int]]) -> None:
        super().__init__()
        self.log = log

    def on_receive(self, message: Item) -> Any:
        if message.crash:
            raise Crash(message.key)
        self.log.append(message.key)
        return message.key


LOOP: list[Any] = [Target, AsyncTarget]
ALL: list[Any] = [*LOOP, ThreadTarget, PykkaTarget]


class Ledger:
    """Where each message went."""

    def __init__(self, system: ActorSystem) -> None:
        self.system = system
        self.log: list[tuple[int, int]] = []
        self.sent: Counter[tuple[int, int]] = Counter()
        self.answers: dict[tuple[int, int], Any] = {}

    def check(self) -> None:
        """Check that each message was handled once or is one dead letter, and its request told."""
        handled = Counter(self.log)
        letters = self.system.dead_letters.list(message_type=Item)
        assert self.system.dead_letters.pushed_out == 0
        dead = Counter(letter.message.key for letter in letters)
        assert handled + dead == self.sent
        crashed = [letter.message for letter in letters if letter.message.crash]
        for letter in letters:
            if letter.reason is DeadLetterReason.CRASHED:
                assert letter.message.crash
        assert len({message.key for message in crashed}) == len(crashed)
        for key, answer in self.answers.items():
            assert answer.is_done(), f"{key} was never answered"
            try:
                assert answer.get() == key
                assert handled[key] == 1
            except AssertionError:
                raise
            except Exception:  # noqa: BLE001 - whatever it is, it was not handled
                assert dead[key] == 1

    def check_order(self) -> None:
        """Check that of each sender the messages were handled as they were sent."""
        last: dict[int, int] = {}
        for sender, number in self.log:
            assert number > last.get(sender, -1)
            last[sender] = number


async def settle(system: ActorSystem, ledger: Ledger) -> None:
    """Wait until each message has gone somewhere, and each request has its answer."""
    wanted = sum(ledger.sent.values())
    await until(
        lambda: (
            len(ledger.log) + len(system.dead_letters) >= wanted
            and all(answer.is_done() for answer in ledger.answers.values())
        )
    )
