"""Durable dead letters: parked, replayed, discarded; never lost, and sent once for each order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dramaturg.actors import (
    Actor,
    ActorSystem,
    DeadLetterReason,
    Directive,
    DurableDeadLetters,
    Message,
    Props,
    TypeRegistry,
    handler,
)
from tests.crash.life import until

if TYPE_CHECKING:
    from tests.crash.effects import Notes
    from tests.crash.life import Life

__all__ = ["Letters"]

BILLS = 9


class Bill(Message, name="crash.Bill"):
    """A third is parked for ever, a third is paid at a replay, a third is thrown away."""

    number: int


class Till(Actor):
    """Crashes on each bill as long as it is broken."""

    def __init__(self, notes: Notes, *, broken: bool) -> None:
        self._notes = notes
        self._broken = broken

    @handler
    def pay(self, message: Bill) -> None:
        self._notes.add("handled", message.number, self._broken)
        if self._broken:
            raise ConnectionError("broken")


class Letters:
    """Bills that nobody could pay at first."""

    commits = 14
    withstands = False

    async def live(self, life: Life) -> None:
        """Bury what was not buried, then see to it."""
        notes = life.acknowledged
        letters = DurableDeadLetters(TypeRegistry(Bill))
        async with ActorSystem("crash", journal=life.journal(), dead_letters=letters) as system:
            self._check_kept(notes, letters)
            recipe = Props(Till, notes, broken=True).using(policy=Directive.RESTART)
            if not notes.about("buried"):
                till = system.spawn(recipe, name="till")
                for number in range(BILLS):
                    if notes.about("stored", number):
                        continue
                    if number in _there(letters):
                        continue
                    till.tell(Bill(number=number))
                    await until(partial(_is_there, letters, number))
                    await letters.stored()
                    notes.add("stored", number)
                notes.add("buried")
                await till.stop(block=False)
        letters = DurableDeadLetters(TypeRegistry(Bill))
        async with ActorSystem("crash", journal=life.journal(), dead_letters=letters) as system:
            await self._see_to(notes, letters, system)

    def _check_kept(self, notes: Notes, letters: DurableDeadLetters) -> None:
        assert letters.failure is None
        there = _there(letters)
        assert len(there) == len(set(there)), "a letter is there twice"
        for (number,) in notes.about("stored"):
            paid = _is_paid(notes, number)
            thrown = notes.about("throwing", number)
            assert number in there or paid or thrown, f"{number} was lost"
        for (number,) in notes.about("settled"):
            assert number not in there, f"{number} has come back"
        for each in letters.list():
            assert each.reason is DeadLetterReason.CRASHED

    async def _see_to(self, notes: Notes, letters: DurableDeadLetters, system: ActorSystem) -> None:
        self._check_kept(notes, letters)
        till = system.spawn(Props(Till, notes, broken=False), name="till")
        for letter in letters.list():
            number = letter.message.number
            if number % 3 == 1:
                paid = _is_paid(notes, number)
                assert not paid or letter.in_doubt
                notes.add("sending", number)
                assert letters.replay([letter], in_doubt=True, max_attempts=100).sent == 1
                await letters.stored()
                await until(partial(_is_paid, notes, number))
                await letters.stored()
                notes.add("settled", number)
            elif number % 3 == 2:
                notes.add("throwing", number)
                assert letters.discard([letter]) == 1
                await letters.stored()
                notes.add("settled", number)
        await till.stop(block=False)
        self._check_end(notes, letters)

    def _check_end(self, notes: Notes, letters: DurableDeadLetters) -> None:
        there = sorted(_there(letters))
        assert there == [each for each in range(BILLS) if each % 3 == 0]
        for number in range(BILLS):
            paid = notes.about("handled", number).count([False])
            assert paid <= len(notes.about("sending", number))
            assert bool(paid) == (number % 3 == 1)


def _is_there(letters: DurableDeadLetters, number: int) -> bool:
    return number in _there(letters)


def _is_paid(notes: Notes, number: int) -> bool:
    return [number, False] in notes.about("handled")


def _there(letters: DurableDeadLetters) -> list[int]:
    return [each.message.number for each in letters.list()]
