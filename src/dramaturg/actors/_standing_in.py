"""One actor serves under another one's ref.

The *front* is a cell that is DOWN, or tried out: nobody hears what is sent to
it. Its door passes everything on to the stand-in's. Order is kept: what waits in
the front's mailbox goes first, also what came in through its old door while
that was being exchanged.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import _crash as crashing, _lifecycle as lifecycle
from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._letters import bury
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
    waiting = [] if before is None else before.take_rest()
    extra.stand_in = stand_in
    stand_in.more().front = front
    front.put = _door(front, stand_in)
    for item in [*waiting, *front.take_rest()]:
        _pass_on(stand_in, item)


def _door(front: Cell, stand_in: Cell) -> Any:
    def forward(item: Any) -> None:
        if front.mailbox or front.batch is not None:
            give_way(front)
        if front.more().stand_in is stand_in:
            stand_in.post(item)
        else:  # the door was exchanged after the sender had loaded it
            front.post(item)

    return forward


def give_way(front: Cell) -> None:
    """Pass on what came in through the front's old door."""
    stand_in = front.extra.stand_in if front.extra is not None else None
    if stand_in is not None:
        for item in front.take_rest():
            if isinstance(item, Internal):
                front.mailbox.append(item)
            else:
                _pass_on(stand_in, item)


def _pass_on(stand_in: Cell, item: Any) -> None:
    try:
        stand_in.post(item)
    except Exception as error:  # noqa: BLE001 - a full mailbox, the user's priority
        bury(stand_in, item, DeadLetterReason.OVERFLOW, error)


def hold(front: Cell) -> None:
    """Let the front, which was tried out, take what is sent from now on, but not handle it yet."""
    with front.system.lock:
        if front.state is RUNNING:
            front.state = State.SUSPENDED
    front.attention = True
    front.more().stand_in = None
    front.open()


@final
class _Recovered:
    __slots__ = ()

    async def apply(self, cell: Cell) -> None:
        if cell.state is not RUNNING or cell.actor is None:
            return
        try:
            await lifecycle.call(cell.actor.on_recover())
        except BaseException as error:  # noqa: BLE001 - an actor may fail with anything
            await crashing.crash(cell, error, phase="on_recover")


def let_go(front: Cell) -> None:
    """Let a front that was held handle what has come."""
    with front.system.lock:
        if front.state is State.SUSPENDED:
            front.state = RUNNING
    front.signal(_Recovered())
    if front.idle:
        front.dispatcher.schedule(front)


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
        return self._await(result) if result.__class__ is CoroutineType else self._reply(result)

    async def _await(self, result: Any) -> None:
        self._reply(await result)

    def _reply(self, result: Any) -> None:
        reply = self.envelope.reply
        if reply is not None:
            reply.complete(result, None)


def take_back(front: Cell, stand_in: Cell) -> None:
    """Let a front that is DOWN keep again what is sent to it, and what waits at the stand-in."""
    front.more().stand_in = None
    front.open()
    hand_back(front, stand_in)


def hand_back(front: Cell, stand_in: Cell) -> None:
    """Give a front that nobody runs, in front of all else, what the stand-in did not come to."""
    waiting = stand_in.take_rest()
    front.put_back([item for item in waiting if not isinstance(item, Internal)])
