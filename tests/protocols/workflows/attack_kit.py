"""What the attacks on sagas share: steps that can be undone, and waiting for attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.protocols.workflows import step
from tests.protocols.workflows.kit import People, until

if TYPE_CHECKING:
    from dramaturg.protocols.workflows import Instance
    from dramaturg.protocols.workflows._step import Action

__all__ = ["does", "runs", "waits"]


def does(who: People, name: str) -> Action:
    return step(name, who.does(name), compensate=who.undoes(name))


def waits(who: People, name: str) -> Action:
    return step(name, who.waits(name), compensate=who.undoes(name))


async def runs(instance: Instance, *addresses: str) -> None:
    """Wait until attempts are under way there, among others."""

    async def there() -> bool:
        return set(addresses) <= set((await instance.status()).running)

    await until(there)
