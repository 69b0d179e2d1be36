"""Durable topics: nothing that was acknowledged is left out, and few things come twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from dramaturg.actors import Actor, ActorSystem, Directive, Message, Props, handler
from dramaturg.protocols import (
    Confirmation,
    Delivery,
    DurableTopic,
    GetDurableSubscriptions,
    KeepUnconfirmed,
    PublishDurably,
    SubscribeDurably,
)
from dramaturg.supervision import Backoff
from tests.crash.life import until

if TYPE_CHECKING:
    from tests.crash.effects import Notes
    from tests.crash.life import Life

__all__ = ["Topics"]

MESSAGES = 12
WINDOWS = {"plain": 1, "explicit": 2, "failing": 3}


class Placed(Message, name="crash.Placed"):
    """What is published."""

    number: int


class Orders(DurableTopic):
    """Forgets what all have confirmed."""

    messages: ClassVar[Any] = (Placed,)
    retention: ClassVar[Any] = KeepUnconfirmed()
    trim_every: ClassVar[int] = 4


class Reader(Actor):
    """Writes down what it was delivered, before anything else happens."""

    def __init__(self, notes: Notes, *, confirms: bool, fails: bool) -> None:
        self._notes = notes
        self._confirms = confirms
        self._fails = fails

    @handler
    async def delivered(self, message: Delivery) -> None:
        name, number = message.subscription, message.message.number
        before = len(self._notes.about("read", name, number))
        self._notes.add("read", name, number, message.offset, message.redelivered, message.key)
        if self._fails and number % 5 == 2 and not before:
            raise ConnectionError("the first time")
        if self._confirms:
            await message.topic.request(message.confirmation())
            self._notes.add("confirmed", name, message.offset)


class Topics:
    """One topic, and a reader of each kind."""

    commits = 40
    withstands = False

    async def live(self, life: Life) -> None:
        """Publish what is not known to be there, and wait until all have read it."""
        notes = life.acknowledged
        notes.add("lives")
        async with ActorSystem("crash", journal=life.journal()) as system:
            topic = system.spawn(Props(Orders).using(policy=Directive.RESTART), name="orders")
            for name, window in WINDOWS.items():
                confirms, fails = name == "explicit", name == "failing"
                recipe = Props(Reader, notes, confirms=confirms, fails=fails)
                reader = system.spawn(recipe.using(policy=Directive.RESTART), name=name)
                how = Confirmation.EXPLICIT if confirms else Confirmation.WHEN_HANDLED
                await topic.request(
                    SubscribeDurably(
                        name, reader, window=window, confirm=how, backoff=Backoff(0.001, 0.002)
                    )
                )
            await asyncio.gather(*(self._publish(life, topic, half) for half in (0, 1)))

            async def all_have_read() -> bool:
                return not any(each.lag for each in await topic.request(GetDurableSubscriptions()))

            await until(all_have_read)
        for name in WINDOWS:
            self._check(life, name)

    async def _publish(self, life: Life, topic: Any, half: int) -> None:
        for number in range(half, MESSAGES, 2):
            # A publisher that got no answer asks once more, with the same key.
            known = life.acknowledged.about("published", number)
            stored = await topic.request(PublishDurably(Placed(number=number), key=f"k{number}"))
            assert not known or stored.is_duplicate
            assert all(offset == stored.offset for (offset,) in known), "it was published twice"
            life.acknowledged.add("published", number, stored.offset)

    def _check(self, life: Life, name: str) -> None:
        notes = life.acknowledged
        offsets = dict(notes.about("published"))
        read = notes.about("read", name)
        assert {number for number, *_ in read} == set(range(MESSAGES))
        seen: dict[int, int] = {}
        for number, offset, redelivered, key in read:
            assert offset == offsets[number]
            assert key == f"k{number}"
            if offset not in seen:
                assert offset > max(seen, default=0), f"{name} has read {offset} out of order"
            else:
                assert redelivered, f"{name} was not told that it had {offset}"
            seen[offset] = seen.get(offset, 0) + 1
        self._check_repetitions(life, name, seen)

    def _check_repetitions(self, life: Life, name: str, seen: dict[int, int]) -> None:
        notes = life.acknowledged
        failed = (
            len([each for each in range(MESSAGES) if each % 5 == 2]) if name == "failing" else 0
        )
        lives = len(notes.about("lives"))
        again = sum(count - 1 for count in seen.values())
        assert again <= failed * WINDOWS[name] + (lives - 1) * 2 * WINDOWS[name]
        confirmed = {offset for (offset,) in notes.about("confirmed", name)}
        for place, each in enumerate(notes.all):
            if each[:2] == ["confirmed", name]:
                behind = [e[3] for e in notes.all[place:] if e[:2] == ["read", name]]
                assert each[2] not in behind, f"{name} had confirmed {each[2]}"
        assert name != "explicit" or confirmed
