"""One actor serves under another one's ref.

The *front* is a cell that is DOWN, or tried out: nobody hears what is sent to
it. Its door passes everything on to the stand-in's. Order is kept: what waits in
the front's mailbox goes first, also what came in through its old door while
that was being exchanged.
"""

from __future__ import annotations

import threading
from types import CoroutineType
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import _crash as crashing, _lifecycle as lifecycle
from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._errors import MailboxFull
from dramaturg.actors._letters import bury
from dramaturg.actors._mailbox import ThreadQueue
from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal
from dramaturg.actors._state import RUNNING, State

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._envelope import Envelope

__all__ = ["ask_front", "give_way", "hand_back", "hold", "let_go", "serve_for", "take_back"]


def serve_for(front: Cell, stand_in: Cell, before: Cell | None = None) -> None:
    """Let what is sent to the front, and what waits there, go to the stand-in.

    :param before: the stand-in until now, which is DOWN.
    """
    extra = front.more()
    if extra.door_lock is None:
        extra.door_lock = threading.Lock()
    with extra.door_lock:
        extra.stand_in = stand_in
        extra.gives_way = True
        stand_in.more().front = front
        front.put = _door(front, stand_in)
    _pass_all_on(front, [] if before is None else before.take_rest())


def _door(front: Cell, stand_in: Cell) -> Any:
    extra = front.more()
    direct = isinstance(stand_in.mailbox, list | ThreadQueue)

    def forward(item: Any) -> None:
        with extra.door_lock:
            serves = extra.stand_in is stand_in
            waits = serves and (extra.gives_way or bool(front.mailbox) or front.batch is not None)
            if waits:
                # Behind what came before: through the old door, or while that was passed on.
                front.mailbox.append(item)
            elif serves and direct:
                # Not after the stand-in has been told to drain, which the lock keeps away.
                stand_in.post(item)
        if not serves:  # the door was exchanged after the sender had loaded it
            front.post(item)
        elif waits:
            give_way(front)
        elif not direct:
            stand_in.post(item)

    return forward


def give_way(front: Cell) -> None:
    """Pass on what came in through the front's old door, unless somebody is at it already."""
    extra = front.extra
    if extra is None or extra.stand_in is None:
        return
    with extra.door_lock:
        if extra.gives_way:
            return
        extra.gives_way = True
    _pass_all_on(front, [])


def _pass_all_on(front: Cell, waiting: list[Any]) -> None:
    """Pass on what waits, until there is no more; others only add to it meanwhile."""
    extra = front.more()
    kept: list[Any] = []
    while True:
        with extra.door_lock:
            waiting += front.take_rest()
            if not waiting:
                extra.gives_way = False
                for item in kept:
                    front.mailbox.append(item)
                return
        for item in waiting:
            stand_in = extra.stand_in
            if isinstance(item, Internal) or stand_in is None:
                kept.append(item)  # a tick, for instance, is none of the stand-in's business
            else:
                _pass_on(stand_in, item)
        waiting = []


def _pass_on(stand_in: Cell, item: Any) -> None:
    try:
        stand_in.post(item)
    except MailboxFull:
        return  # which made a dead letter of it
    except Exception as error:  # noqa: BLE001 - the user's priority, a thread that may not wait
        bury(stand_in, item, DeadLetterReason.OVERFLOW, error)


def hold(front: Cell) -> None:
    """Let the front, which was tried out, take what is sent from now on, but not handle it yet."""
    with front.system.lock:
        if front.state is RUNNING:
            front.state = State.STARTING
    front.attention = True
    _close_way(front)


@final
class _Recovered:
    """Opens the gate of a front that was held, behind its ``on_recover``."""

    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.state is not State.STARTING or cell.actor is None:
            return
        try:
            await lifecycle.call(cell.actor.on_recover())
        except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
            await crashing.crash(cell, error, phase="on_recover")
            return
        lifecycle.enter(cell, RUNNING)


def let_go(front: Cell) -> None:
    """Let a front that was held handle what has come."""
    front.signal(_Recovered())


def ask_front(front: Cell, envelope: Envelope) -> None:
    """Ask the front itself, past its door."""
    front.post_internal(_Asked(envelope))


@final
class _Asked(Internal):
    __slots__ = ("envelope",)

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope

    def handle(self, cell: Cell) -> Any:
        cell.message = self.envelope
        result = invoke(cell, self.envelope.message)
        if result.__class__ is CoroutineType:
            return self._await(cell, result)
        return self._reply(cell, result)

    async def _await(self, cell: Cell, result: Any) -> None:
        result = await result
        self._reply(cell, await result if result.__class__ is CoroutineType else result)

    def _reply(self, cell: Cell, result: Any) -> None:
        reply = self.envelope.reply
        # One that stashed or forwarded it has taken it over: the reply comes later.
        if reply is not None and cell.message is self.envelope:
            reply.complete(result, None)


def take_back(front: Cell, stand_in: Cell) -> None:
    """Let a front that is DOWN keep again what is sent to it, and what waits at the stand-in."""
    _close_way(front)
    hand_back(front, stand_in)


def _close_way(front: Cell) -> None:
    extra = front.more()
    with extra.door_lock:
        extra.stand_in = None
        front.open()


def hand_back(front: Cell, stand_in: Cell) -> None:
    """Give a front that nobody runs, in front of all else, what the stand-in did not come to."""
    waiting = stand_in.take_rest()
    front.put_back([item for item in waiting if not isinstance(item, Internal)])
