"""What the tests of mailboxes share: a full one, each way to send to it, and what it kept."""

import asyncio
from typing import Any

from dramaturg.actors import ActorRef, ActorSystem, Bounded, DeadLetterReason, Overflow, Props
from tests.actors.kit import LIMIT
from tests.actors.messaging_kit import AsyncBox, Hold, Kept, Note, held, until

OVERFLOW = DeadLetterReason.OVERFLOW


def bounded(overflow: Overflow, capacity: int = 2, timeout: float = LIMIT) -> Props[AsyncBox]:
    return Props(AsyncBox).using(mailbox=Bounded(capacity, overflow, timeout))


async def full(
    system: ActorSystem, overflow: Overflow, timeout: float = LIMIT
) -> tuple[ActorRef[AsyncBox], Hold]:
    """Make an actor that is held, with two notes in its mailbox for two."""
    ref = system.spawn(bounded(overflow, timeout=timeout), name="box")
    hold = await held(system, ref)
    ref.tell(Note(1))
    ref.tell(Note(2))
    return ref, hold


async def kept(ref: ActorRef[Any], hold: Hold, *sends: asyncio.Future[Any]) -> list[Any]:
    """Let the actor go on until it has handled what was sent, and return what it has kept."""
    hold.release.set()
    await asyncio.wait_for(asyncio.gather(*sends), LIMIT)
    await until(lambda: ref.cell.depth == 0)
    kept: list[Any] = await ref.request(Kept(), timeout=LIMIT)
    return kept


async def send_by(ref: ActorRef[Any], message: object, how: str, **options: Any) -> Any:
    """Send the message in one of the ways that there are, and wait for what comes of it."""
    if how == "tell":
        return ref.tell(message)
    if how == "send":
        return await ref.send(message, **options)
    if how == "request":
        return await ref.request(message, **options)
    if how == "ask":
        return await asyncio.to_thread(lambda: ref.ask(message, **options))
    return await ref.ask(message, block=False, **options)
