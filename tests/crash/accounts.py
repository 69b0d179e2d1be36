"""Event-sourced actors: what they acknowledged is there, and no effect comes twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from dramaturg.actors import ActorSystem, EventSourced, Message, Props, Request, handler

if TYPE_CHECKING:
    from tests.crash.effects import Effects
    from tests.crash.life import Life

__all__ = ["Accounts"]

DEPOSITS = 6
HALVES = 2


class Deposited(Message, name="crash.Deposited"):
    """Half of a deposit: the other one is stored with it, or none is."""

    number: int


class Balance(Message, name="crash.Balance"):
    """What was deposited."""

    last: int = 0
    halves: int = 0


class Deposit(Request[Balance]):
    """Wanted once under each number."""

    number: int


class Account(EventSourced[Balance]):
    """Pays out behind each deposit, which it must not do twice."""

    initial = Balance()

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def apply(self, state: Balance, event: Deposited) -> Balance:
        return Balance(last=event.number, halves=state.halves + 1)

    def tags(self, event: Deposited) -> list[str]:
        return ["odd"] if event.number % 2 else []

    @handler
    async def deposit(self, command: Deposit) -> Balance:
        if command.number == self.state.last + 1:
            await self.persist(*[Deposited(number=command.number)] * HALVES)
            name = f"{self.context.path}/{command.number}"
            self._effects.note(name, name)
        return self.state


class Trimmed(Account):
    """Keeps snapshots, and only the events behind them."""

    snapshot_every: ClassVar[int | None] = 3
    keep_snapshots: ClassVar[int] = 1
    delete_events: ClassVar[bool] = True


class Accounts:
    """Two accounts, and one that forgets its events."""

    commits = 16
    withstands = False

    async def live(self, life: Life) -> None:
        """Deposit what is not there."""
        kinds = {"ann": Account, "bob": Account, "cid": Trimmed}
        async with ActorSystem("crash", journal=life.journal()) as system:
            await asyncio.gather(
                *(self._fill(life, system, name, kind) for name, kind in kinds.items())
            )
        async with life.journal() as journal:
            odd = [each async for each in journal.read_tag("odd")]
        kept = [each for each in odd if each.event.persistence_id != "/cid"]
        assert len(kept) == 2 * HALVES * DEPOSITS // 2
        assert [each.offset for each in odd] == sorted({each.offset for each in odd})

    async def _fill(self, life: Life, system: ActorSystem, name: str, kind: type[Account]) -> None:
        account = system.spawn(Props(kind, life.effects), name=name)
        found = await account.request(Deposit(number=0))
        told = [number for (number,) in life.acknowledged.about(name)]
        paid = [each for each in range(DEPOSITS) if life.effects.calls(f"/{name}/{each + 1}")]
        assert found.halves == HALVES * found.last
        assert all(each <= found.last for each in told)
        assert all(each < found.last for each in paid)
        assert {each - 1 for each in told} <= {*paid}
        for number in range(found.last + 1, DEPOSITS + 1):
            balance = await account.request(Deposit(number=number))
            assert balance.last == number
            life.acknowledged.add(name, number)
        for number in range(1, DEPOSITS + 1):
            assert life.effects.calls(f"/{name}/{number}") <= 1
