"""Conformance of real actors: the messages of all systems of a simulation, its nodes' included.

What goes from one node to another is sent when it leaves the one, and received when it is taken up
on the other; what is lost is only sent, what is doubled is received twice. So is a reply.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, cast

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorRestarted,
    IncarnationEnded,
    LifecycleEvent,
)
from dramaturg.actors._trace import running_cell
from dramaturg.protocols._attachment import Attachment
from dramaturg.protocols._cast import Cast
from dramaturg.protocols._monitor import Monitor
from dramaturg.protocols._seen import Seen, Unwatched, Watched
from dramaturg.protocols._talks import Found, Side, Talks
from dramaturg.protocols.testing._addresses import name_of

if TYPE_CHECKING:
    from uuid import UUID

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._envelope import Envelope, Headers, ReplySlot
    from dramaturg.actors._tap import Passing
    from dramaturg.protocols._cast import Players
    from dramaturg.protocols._monitor import ConversationKey
    from dramaturg.protocols._protocol import Protocol
    from dramaturg.protocols.testing._simulated_system import SimulatedSystem
    from dramaturg.protocols.testing._simulation import Simulation

__all__ = ["SystemConformance"]


class SystemConformance:
    """Follows the conversations in one run of a simulation.

    :param excused: roles whose actors may crash.
    :raises UnknownRoleError: for a role that the protocol does not have, or nobody plays.
    :raises OptionError: for players that cannot be.
    """

    def __init__(
        self,
        sim: Simulation,
        protocol: Protocol,
        roles: Mapping[Any, Players],
        key: ConversationKey,
        excused: frozenset[str],
    ) -> None:
        monitor = Monitor(protocol, roles, key=self._key_of)
        players = {name: _by_name(each) for name, each in monitor.players.items()}
        self.cast = Cast(protocol, players, name_of)
        self.events = tuple(each for each in protocol.messages if issubclass(each, LifecycleEvent))
        self.excused = excused
        self._key = key
        self._clock = sim.system.clock
        self._talks = Talks(monitor, self.cast, self._clock, self._take_note)
        self._found: list[Found] = []
        self._error: Exception | None = None
        self._parties: dict[Hashable, set[str]] = {}
        self._broken_off: set[Hashable] = set()
        self._crossed: dict[UUID, dict[str | None, str | None]] = {}
        self._answered: dict[UUID, str] = {}
        sim.nodes.onlookers.append(self)
        for system in sim.nodes.systems():
            self.begun(system)

    # -- the properties

    def look(self, _: object) -> None:
        """Raise for the first violation; or what a key or a function of the players has raised."""
        if self._error is not None:
            raise self._error
        for each in self._found:
            if each.entry.key not in self._broken_off:
                raise AssertionError(_said(each, self._clock))

    def finish(self, view: object) -> None:
        """Raise for one who is not done."""
        self._talks.finish()
        self.look(view)

    def has_seen(self, _: object) -> bool:
        """Tell whether there was anything to judge."""
        return self._talks.observations > 0

    # -- what becomes of the nodes

    def begun(self, system: SimulatedSystem) -> None:
        """Look at a system, too."""
        _Onlooker(self, system).begin()

    def gone(self, system: SimulatedSystem) -> None:
        """Give up the conversations of those on a node that may crash, and has."""
        for name in {each for ends in self._parties.values() for each in ends}:
            if name.startswith(f"{system.prefix}/"):
                self.cast.dismiss(name)
                self.break_off(name)

    def break_off(self, name: str) -> None:
        """Judge the conversations of an actor no further, if it may crash."""
        if self.excused.intersection(self.cast.roles_at(name)):
            self._broken_off |= {key for key, ends in self._parties.items() if name in ends}

    # -- what is seen

    def see(
        self,
        side: Side,
        message: Any,
        sender: str | None,
        receiver: str | None,
        headers: Headers | None = None,
    ) -> None:
        """See a message at one side."""
        if self._talks.type_of(message) is None:
            return
        ids = (None, None) if headers is None else (headers.message_id, headers.correlation_id)
        self.attempt(lambda: self._talks.see(side, Seen(message, sender, receiver, *ids)))

    def answers(self, message: Any, request: Any) -> bool:
        """Tell whether a reply is of the protocol: many a request is answered with an int."""
        return self._talks.type_of(message) is not None and self._talks.type_of(request) is not None

    def attempt(self, call: Callable[[], Any]) -> Any:
        """Call what runs the test's own functions; keep what they raise for the next look."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - who looks on must not disturb
            self._error = self._error or error
            return None

    def leaves(self, system: SimulatedSystem, to: str, envelope: Envelope) -> None:
        """See a message that leaves for another node."""
        headers = envelope.headers
        if headers is None:
            return
        running = running_cell(system)
        asker = None if envelope.sender is None else name_of(envelope.sender.cell)
        sender = asker if running is None else name_of(running)
        forwarded = headers.message_id in self._crossed
        self._crossed.setdefault(headers.message_id, {})[to] = sender
        self.see("sent", envelope.message, sender, to, headers)
        reply = envelope.reply
        if reply is None:
            return
        seen = getattr(reply, "seen", None)
        if seen is not None:
            seen.quiet = True  # who answers there shows it
        if not forwarded:
            envelope.reply = _FarReply(self, reply, envelope, to)

    def crossed(self, headers: Headers | None) -> Mapping[str | None, str | None] | None:
        """Return where a message has arrived over the network, each with who sent it there."""
        return None if headers is None else self._crossed.get(headers.message_id)

    def note_answer(self, message_id: UUID, name: str) -> None:
        """Take note who has answered a request of another node."""
        self._answered[message_id] = name

    def answer_arrived(self, answer: Any, request: Envelope, to: str) -> None:
        """See the answer to a request when it is back at the asker's node."""
        headers = request.headers
        if headers is not None and self.answers(answer, request.message):
            sender = self._answered.get(headers.message_id, to)
            asker = None if request.sender is None else name_of(request.sender.cell)
            self.see("received", answer, sender, asker, headers)

    def _key_of(self, seen: Seen) -> Hashable:
        key = self._key(seen)
        if key is None or key in self._broken_off:
            return None
        ends = {each for each in (seen.sender, seen.receiver) if each is not None}
        self._parties.setdefault(key, set()).update(ends)
        return key

    def _take_note(self, found: list[Found]) -> None:
        self._found += found


class _Onlooker:
    """Looks at one system, for the conversations of all."""

    def __init__(self, whole: SystemConformance, system: SimulatedSystem) -> None:
        self._whole = whole
        self._system = system
        self._attachment = Attachment(system, self, self._admit)

    def begin(self) -> None:
        """Look from now on."""
        attachment, whole = self._attachment, self._whole
        attachment.begin()
        if whole.events:
            attachment.subscribe(self._event, *whole.events)
        attachment.subscribe(self._ended, ActorEnded)
        if whole.excused:
            attachment.subscribe(self._failed, ActorFailed, ActorRestarted, IncarnationEnded)

    # -- messages

    def sent(self, passing: Passing) -> None:
        """See a message at its sender's side; the runtime calls it."""
        message, sender, receiver, headers, request = passing
        crossed = self._whole.crossed(headers)
        if request is not None:
            if crossed is not None and headers is not None and sender is not None:
                self._whole.note_answer(headers.message_id, name_of(sender.cell))
            if not self._whole.answers(message, request):
                return
        elif crossed is not None and _name(receiver) in crossed:
            return  # it was seen when it left its node
        self._whole.see("sent", message, _name(sender), _name(receiver), headers)

    def received(self, passing: Passing) -> None:
        """See a message at its receiver's side; the runtime calls it."""
        message, sender, receiver, headers, request = passing
        crossed = self._whole.crossed(headers)
        to, by = _name(receiver), _name(sender)
        if request is not None:
            if crossed is not None or not self._whole.answers(message, request):
                return  # it has still to go back
        elif crossed is not None and to in crossed:
            by = crossed[to]
        self._whole.see("received", message, by, to, headers)

    def watched(self, watcher: ActorRef[Any], target: ActorRef[Any], begun: bool) -> None:  # noqa: FBT001 - the protocol's
        """See a death watch begin or end; the runtime calls it."""
        message = Watched(target) if begun else Unwatched(target)
        self._both(message, _name(watcher), _name(target))

    def spawned(self, cell: Cell) -> None:
        """See an actor before it is sent anything; the runtime calls it."""
        self._attachment.meet(cell)

    def _both(self, message: object, sender: str | None, receiver: str | None) -> None:
        self._whole.see("sent", message, sender, receiver)
        self._whole.see("received", message, sender, receiver)

    def _admit(self, cell: Cell) -> bool:
        return bool(self._whole.attempt(lambda: self._whole.cast.admit(cell)))

    # -- lives

    def _event(self, event: LifecycleEvent) -> None:
        above = event.path.rpartition("/")[0]
        self._both(event, self._at(event.path), self._at(above) if above else None)

    def _ended(self, event: ActorEnded) -> None:
        self._whole.cast.dismiss(self._at(event.path))

    def _failed(self, event: ActorFailed | ActorRestarted | IncarnationEnded) -> None:
        if not (isinstance(event, IncarnationEnded) and event.reason.is_clean):
            self._whole.break_off(self._at(event.path))

    def _at(self, path: str) -> str:
        return f"{self._system.prefix}{path}"


class _FarReply:
    """Where the answer from another node goes, and is seen to arrive; once."""

    __slots__ = ("_request", "_slot", "_to", "_whole")

    def __init__(
        self, whole: SystemConformance, slot: ReplySlot, request: Envelope, to: str
    ) -> None:
        self._whole = whole
        self._slot = slot
        self._request = request
        self._to = to

    def complete(self, value: Any, error: BaseException | None) -> None:
        """Hand the answer over; nobody takes one up that comes after the deadline, or twice."""
        if not getattr(self._slot, "done", False):
            answer = value if error is None else error
            self._whole.answer_arrived(answer, self._request, self._to)
        self._slot.complete(value, error)


def _name(ref: ActorRef[Any] | None) -> str | None:
    return None if ref is None else name_of(ref.cell)


def _by_name(players: Players) -> Players:
    """Let refs mean the same actors on whichever node they are held, and after its restart."""
    if isinstance(players, ActorRef):
        names = {name_of(players.cell)}
    elif isinstance(players, tuple):
        refs = cast("tuple[ActorRef[Any], ...]", players)
        names = {name_of(each.cell) for each in refs}
    else:
        return players

    def plays(ref: ActorRef[Any]) -> bool:
        return name_of(ref.cell) in names

    return plays


def _said(found: Found, clock: Any) -> str:
    event = found.event(clock)
    what = event.kind if event.action is None else f"{event.kind} {event.action}"
    expected = " or ".join(event.expected) or "nothing"
    return f"{event.role} {event.path}: {what}; expected {expected}"
