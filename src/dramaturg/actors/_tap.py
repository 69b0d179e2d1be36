"""Taps: seeing each message when it is sent and when it is taken up, while the system runs.

Theory of operation
===================

A tap costs nothing where it is not: no code on a message's way asks whether there is one. To tap an
actor is to exchange the class of its cell for :class:`TappedCell`, which overrides the few methods
that a message goes through; to untap it is to exchange it back. Both classes have the same slots,
so that nothing else changes, and since senders load the door anew for each message, nobody holds on
to the old one.

Tapped actors need no ``trace=True``: their messages get sender and headers at the door. In a system
that does not trace, chains of causes therefore reach as far as tapped actors do.

What is seen: messages and replies; the notice of a death watch, and, of all actors, that a watch
begins and is taken back. Timers' ticks are no messages. A message is *sent* when it comes to the
receiver's door, also if that is closed; it is *received* when its handler is about to run, once,
however often it is stashed. What was queued before is not seen. Taps are called in the thread that
sends or receives: they must be quick, and not block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, final

from dramaturg.actors._cell import Cell
from dramaturg.actors._envelope import Envelope, Headers
from dramaturg.actors._mailbox import BoundedQueue
from dramaturg.actors._reply import Reply
from dramaturg.actors._signals import Internal
from dramaturg.actors._trace import make_headers, running_cell
from dramaturg.actors._watch import WatchNotice

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._envelope import ReplySlot
    from dramaturg.actors._ref import ActorRef
    from dramaturg.actors._system import ActorSystem

__all__ = [
    "Passing",
    "Tap",
    "add_tap",
    "remove_tap",
    "tap_cell",
]


class Passing(NamedTuple):
    """A message on its way; sender or receiver is None if it is no actor.

    ``request`` is what a reply answers.
    """

    message: Any
    sender: ActorRef[Any] | None
    receiver: ActorRef[Any] | None
    headers: Headers | None
    request: Any = None


class Tap(Protocol):
    """Whoever looks on; its methods may not raise.

    It may have a method ``spawned(cell)``, too: an actor was spawned, and nobody has been given
    its ref yet. So it can be tapped before it is sent anything, even if it has an ``on_start``.
    """

    def sent(self, passing: Passing) -> None:
        """A message is sent; any thread."""

    def received(self, passing: Passing) -> None:
        """A message's handler is about to run, or a reply is handed over; any thread."""

    def watched(self, watcher: ActorRef[Any], target: ActorRef[Any], begun: bool) -> None:  # noqa: FBT001 - there are only two
        """An actor has begun to watch another one, or has taken that back; any thread."""


def add_tap(system: ActorSystem, tap: Tap) -> None:
    """Let a tap see what goes through tapped cells from now on; see :func:`tap_cell`."""
    with system.lock:
        if not system.taps:
            _show_spawning(system)
        system.taps = (*system.taps, tap)


def remove_tap(system: ActorSystem, tap: Tap) -> None:
    """Take a tap away; with the last one all cells are untapped."""
    with system.lock:
        system.taps = tuple(each for each in system.taps if each is not tap)
        if not system.taps:
            vars(system).pop("spawn_under", None)
            _untap(system.root)


def _show_spawning(system: ActorSystem) -> None:
    """Let taps see each actor before it can be sent anything; see :class:`Tap`."""
    spawn = system.spawn_under

    def spawn_under(parent: Cell | None, actor: Any, name: str | None) -> ActorRef[Any]:
        ref = spawn(parent, actor, name)
        for tap in system.taps:
            spawned: Callable[[Cell], None] | None = getattr(tap, "spawned", None)
            if spawned is not None:
                spawned(ref.cell)
        return ref

    # On the instance, as cells are tapped: who spawns without taps pays nothing.
    vars(system)["spawn_under"] = spawn_under


def tap_cell(cell: Cell) -> None:
    """Let taps see the messages of an actor."""
    if cell.__class__ is Cell:
        cell.__class__ = TappedCell


def _untap(cell: Cell) -> None:
    if isinstance(cell, TappedCell):
        cell.__class__ = Cell  # type: ignore[assignment]
    for child in tuple((cell.children or {}).values()):
        _untap(child)


class _SentHeaders(Headers):
    """The headers of a message that has been seen when it was sent."""

    hop: ActorRef[Any] | None
    """Who sent it here: for a forwarded message not the one that it is from."""


class _ReceivedHeaders(Headers):
    """The headers of a message that has been seen when it was received, too."""

    __slots__ = ()


_DOOR: Any = Cell.__dict__["put"]
"""The slot behind the property of the same name."""


@final
class TappedCell(Cell):
    """A cell that shows its messages to the system's taps."""

    __slots__ = ()

    @property
    def put(self) -> Callable[[Any], None]:
        """The door, with taps in front."""
        return _TappedDoor(self, _DOOR.__get__(self))

    @put.setter
    def put(self, door: Callable[[Any], None]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        _DOOR.__set__(self, door)

    def run_one(self, envelope: Envelope) -> None:
        # Handed over within the sender's call, past the door.
        sender = envelope.sender
        _note_sent(self, envelope, None if sender is None else sender.cell)
        _note_received(self, envelope)
        super().run_one(envelope)

    def deliver(self, envelope: Envelope) -> None:
        if not _has_expired(self, envelope):
            _note_received(self, envelope)
        super().deliver(envelope)

    async def deliver_async(self, envelope: Envelope) -> None:
        if not _has_expired(self, envelope):
            _note_received(self, envelope)
        await super().deliver_async(envelope)

    def post_internal(self, item: Internal) -> None:
        super().post_internal(_WatchNotice(self, item) if isinstance(item, WatchNotice) else item)


class _TappedDoor:
    """What senders call in the place of a tapped actor's door; equal to that."""

    __slots__ = ("_cell", "_door")

    def __init__(self, cell: Cell, door: Callable[[Any], None]) -> None:
        self._cell = cell
        self._door = door

    def __call__(self, item: Any) -> None:
        if not isinstance(item, Internal):
            cell = self._cell
            sender = running_cell(cell.system)
            if item.__class__ is not Envelope:
                headers = make_headers(cell.system, sender)
                item = Envelope(item, None, None if sender is None else sender.ref, None, headers)
            _note_sent(cell, item, sender)
        self._door(item)

    def __eq__(self, other: object) -> bool:
        # The runtime tells by its door whether an actor has closed.
        return bool(self._door == other)

    def __hash__(self) -> int:
        return hash(self._door)


def _has_expired(cell: Cell, envelope: Envelope) -> bool:
    return envelope.deadline is not None and cell.system.now() > envelope.deadline


def _note_sent(cell: Cell, envelope: Envelope, running: Cell | None) -> None:
    """Show a message at the door; one that comes through a second door has been forwarded."""
    sender = None if running is None else running.ref
    headers = envelope.headers
    if headers is None:
        headers = make_headers(cell.system, running)
    if sender is None and not isinstance(headers, _SentHeaders | _ReceivedHeaders):
        sender = envelope.sender
    envelope.headers = marked = _SentHeaders(*headers)
    marked.hop = sender
    reply = envelope.reply
    if isinstance(reply, _TappedReply | _TappedSlot):
        reply.seen.owner = cell.ref
    elif reply is not None:
        seen = _Answer(cell, envelope)
        inner = getattr(reply, "_slot", None)
        if isinstance(inner, _TappedReply | _TappedSlot):
            # A router sends it to several, and each shows its own answer.
            inner.seen.quiet = True
        if isinstance(reply, Reply):
            envelope.reply = _TappedReply(reply, seen)
        else:
            envelope.reply = _TappedSlot(reply, seen)
    _tell_sent(cell.system, Passing(envelope.message, sender, cell.ref, headers))


def _note_received(cell: Cell, envelope: Envelope) -> None:
    headers = envelope.headers
    if headers.__class__ is _ReceivedHeaders:
        return  # it has been stashed
    if headers.__class__ is not _SentHeaders:
        queue = cell.mailbox
        if not isinstance(queue, BoundedQueue) or not queue.waits:
            return  # it was queued before there were taps
        # Its sender has waited for room, past the door.
        _note_sent(cell, envelope, None if envelope.sender is None else envelope.sender.cell)
        headers = envelope.headers
    if headers is None:
        return
    hop: ActorRef[Any] | None = getattr(headers, "hop", envelope.sender)
    envelope.headers = _ReceivedHeaders(*headers)
    _tell_received(cell.system, Passing(envelope.message, hop, cell.ref, headers))


def _tell_sent(system: ActorSystem, passing: Passing) -> None:
    for tap in system.taps:
        tap.sent(passing)


def _tell_received(system: ActorSystem, passing: Passing) -> None:
    for tap in system.taps:
        tap.received(passing)


# -- replies -------------------------------------------------------------------------------


class _Answer:
    """Shows one request's reply when it is given."""

    __slots__ = ("_asker", "_headers", "_request", "_system", "owner", "quiet")

    def __init__(self, cell: Cell, envelope: Envelope) -> None:
        self.owner = cell.ref
        """Who has the request."""
        self.quiet = False
        """Whether others show the reply."""
        self._asker = envelope.sender
        self._headers = envelope.headers
        self._request = envelope.message
        self._system = cell.system

    def show(self, value: Any, error: BaseException | None) -> None:
        if self.quiet:
            return
        answer = value if error is None else error
        passing = Passing(answer, self.owner, self._asker, self._headers, self._request)
        _tell_sent(self._system, passing)
        _tell_received(self._system, passing)


class _TappedSlot:
    """A reply slot of whatever kind that shows the reply."""

    __slots__ = ("_slot", "seen")

    def __init__(self, slot: ReplySlot, seen: _Answer) -> None:
        self._slot = slot
        self.seen = seen

    def complete(self, value: Any, error: BaseException | None) -> None:
        self.seen.show(value, error)
        self._slot.complete(value, error)


class _TappedReply(Reply):
    """A slot in which the runtime looks up who owes the answer."""

    __slots__ = ("_slot", "seen")

    def __init__(self, slot: Reply, seen: _Answer) -> None:
        self._slot = slot
        self.seen = seen

    @property
    def target(self) -> Cell:
        return self._slot.target

    @target.setter
    def target(self, cell: Cell) -> None:
        self._slot.target = cell

    @property
    def done(self) -> bool:  # type: ignore[override]
        return self._slot.done

    def complete(self, value: Any, error: BaseException | None) -> None:
        if not self._slot.done:
            self.seen.show(value, error)
            self._slot.complete(value, error)


# Called as what it stands for: the names of a simulation's events are made of it.
class _WatchNotice(Internal):
    """The notice of an end, which counts as a message of the one that has ended."""

    __slots__ = ("_notice", "_passing")

    def __init__(self, cell: Cell, notice: WatchNotice) -> None:
        self._notice = notice
        self._passing = Passing(notice.message, notice.target.ref, cell.ref, None)
        _tell_sent(cell.system, self._passing)

    def handle(self, cell: Cell) -> Any:
        if self._notice.stands(cell):
            _tell_received(cell.system, self._passing)
        return self._notice.handle(cell)
