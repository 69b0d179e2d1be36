"""Everybody but the actor under test: what they may say next, and saying it.

All of a conversation is followed at all sides (see :class:`Conversation`), by a tap at the doors
of the actors. What the others may say is what the protocol has for them next.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from dramaturg.actors import ActorRef, Props, UnhandledError, reply_type
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._tap import add_tap, tap_cell
from dramaturg.protocols._conversation import Conversation
from dramaturg.protocols._role import Party
from dramaturg.protocols._violation import Observation, Violation
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._places import told
from dramaturg.protocols.testing._probe_inbox import Inbox, ProbeActor, Received
from dramaturg.protocols.testing._properties import Broken
from dramaturg.protocols.testing._single_actor_messages import NamedPeers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from uuid import UUID

    from dramaturg.actors import ActorSystem
    from dramaturg.actors._tap import Passing
    from dramaturg.protocols import MemberNames, Protocol
    from dramaturg.protocols._rules import Rules
    from dramaturg.protocols.testing._single_actor_messages import Peers

__all__ = ["Move", "Partners", "actor_name", "subject_of"]


class Move(NamedTuple):
    """A message that one of the others may send."""

    sender: Party
    receiver: Party
    message: type


def actor_name(party: Party) -> str:
    """Return the name of the actor that plays a party."""
    return party.role if party.member is None else f"{party.role}-{party.member}"


class Partners:
    """The parties of one conversation, all but one played by the kit.

    :param rules: of the protocol, with its members.
    :param subject: the one that is not.
    """

    def __init__(self, rules: Rules, subject: Party) -> None:
        self.protocol = protocol = rules.protocol
        self.subject = subject
        self.talk = Conversation(protocol, rules=rules)
        self.problem: Broken | None = None
        """What the actor under test has done wrong."""
        self.peers = NamedPeers()
        self._parties = tuple(rules.parties)
        self._inboxes: dict[Party, Inbox] = {}
        self._path = f"/{actor_name(subject)}"
        self._making = False
        # The actor under test may send something as soon as it is made.
        self._at = {self._path: subject}
        self._illegal: set[UUID] = set()
        self._types: dict[type, type | None] = {each: each for each in protocol.messages}
        self._system: ActorSystem
        self._ref: ActorRef[Any]

    # -- taking part -------------------------------------------------------------------------

    def enter(self, system: ActorSystem) -> Peers:
        """Spawn all the others, and follow what they are sent."""
        self._system = system
        add_tap(system, self)
        for party in self._parties:
            if party != self.subject:
                inbox = self._inboxes[party] = Inbox()
                ref = system.spawn(Props(ProbeActor, inbox), name=actor_name(party))
                self.peers[actor_name(party)] = ref
                self._at[ref.path] = party
                tap_cell(ref.cell)
        return self.peers

    @contextmanager
    def making(self) -> Generator[None]:
        """Take what nobody sends meanwhile for what the actor under test does in ``__init__``."""
        self._making = True
        try:
            yield
        finally:
            self._making = False

    def look_at(self, ref: ActorRef[Any]) -> None:
        """Follow what the actor under test is sent."""
        self._ref = ref
        tap_cell(ref.cell)

    # -- what may come next --------------------------------------------------------------------

    def moves(self) -> Iterator[Move]:
        """Yield what the others may send now."""
        for party in self._parties:
            if party != self.subject:
                for action in self.talk.expected(party):
                    if action.kind == "!" and action.peer is not None and action.message:
                        yield Move(party, action.peer, action.message)

    def illegal_moves(self) -> Iterator[Move]:
        """Yield what the others could send to the actor under test, and may not now."""
        legal = {each for each in self.moves() if each.receiver == self.subject}
        for send in self.protocol.sends:
            if send.receiver.name != self.subject.role:
                continue
            senders = [each for each in self._parties if each.role == send.sender.name]
            for party in senders:
                move = Move(party, self.subject, send.message)
                if party != self.subject and move not in legal:
                    yield move

    def may_end(self) -> bool:
        """Tell whether nobody has to say anything more."""
        return not self.talk.finish(self._now())

    def debts(self) -> list[Violation]:
        """Return in what the actor under test is not done."""
        return [each for each in self.talk.finish(self._now()) if each.party == self.subject]

    # -- saying it -----------------------------------------------------------------------------

    def say_aside(self, move: Move) -> None:
        """Let two of the others talk; no actor is needed for that."""
        self._observe("sent", *move)
        self._observe("received", *move)

    def say(self, move: Move, message: Any, *, legal: bool = True) -> Envelope | None:
        """Send a message to the actor under test; None if it is the answer to a request of its."""
        if legal:
            asked = self._open_request(move.sender, move.message)
            if asked is not None:
                asked.answer(message, None)
                return None
        sender = self.peers[actor_name(move.sender)]
        headers = self._system.headers(None)
        envelope = Envelope(message, _Slot(self, message, legal=legal), sender, None, headers)
        if not legal:
            self._illegal.add(headers.message_id)
        self._ref.cell.post(envelope)
        return envelope

    def _open_request(self, party: Party, answer: type) -> Received | None:
        for each in self._inboxes[party].waiting:
            asked = each.message.__class__
            if each.slot is not None and _answers(reply_type(asked), answer):
                return each
        return None

    def note_unhandled(self, message: object) -> None:
        """Take note that the actor under test has no handler for a legal message."""
        self._note(f"{actor_name(self.subject)} has no handler for {type(message).__name__}", "")

    def note_crash(self, error: BaseException) -> None:
        """Take note that it has failed."""
        name = type(error).__name__
        self._note(f"{actor_name(self.subject)} raises {name}", told(error))

    def _note(self, name: str, detail: str) -> None:
        if self.problem is None:
            self.problem = Broken(name, detail)

    # -- what is seen --------------------------------------------------------------------------

    def sent(self, passing: Passing) -> None:
        """See a message at its sender's side; the runtime calls it."""
        self._pass("sent", passing)

    def received(self, passing: Passing) -> None:
        """See a message at its receiver's side; the runtime calls it."""
        self._pass("received", passing)

    def watched(self, watcher: ActorRef[Any], target: ActorRef[Any], begun: bool) -> None:  # noqa: FBT001 - the protocol's
        """A watch is no message."""

    def _pass(self, side: Literal["sent", "received"], passing: Passing) -> None:
        message = self._type_of(passing.message)
        sender, receiver = self._party_at(passing.sender), self._party_at(passing.receiver)
        if message is None or sender is None or receiver is None:
            return
        if passing.headers is not None and passing.headers.message_id in self._illegal:
            return
        self._observe(side, sender, receiver, message)

    def _observe(
        self, side: Literal["sent", "received"], sender: Party, receiver: Party, message: type
    ) -> None:
        now = self._now()
        self.elapse(now)
        seen = Observation(side, sender, receiver, message, time=now)
        outcome = self.talk.observe(seen)
        # What the others send is legal; so what the subject may not receive is not its fault.
        if isinstance(outcome, Violation) and side == "sent" and sender == self.subject:
            self._note(f"{actor_name(sender)} sends what it may not", f"{outcome}")

    def elapse(self, now: float) -> None:
        """Let deadlines pass."""
        for each in self.talk.elapse(now):
            if each.party == self.subject:
                self._note(f"{actor_name(self.subject)} is late", f"{each}")

    def _now(self) -> float:
        return self._system.now()

    def _party_at(self, ref: ActorRef[Any] | None) -> Party | None:
        if ref is None:
            return self.subject if self._making else None
        party = self._at.get(ref.path)
        # Its children speak for it.
        below = ref.path.startswith(f"{self._path}/")
        return self.subject if party is None and below else party

    def _type_of(self, message: object) -> type | None:
        cls = type(message)
        if cls not in self._types:
            self._types[cls] = next((each for each in cls.__mro__ if each in self._types), None)
        return self._types[cls]


class _Slot:
    """Where the replies of the actor under test go; a tap sees them on the way."""

    def __init__(self, partners: Partners, message: object, *, legal: bool) -> None:
        self._partners = partners
        self._message = message
        self._legal = legal

    def complete(self, value: Any, error: BaseException | None) -> None:  # noqa: ARG002 - the protocol's
        if self._legal and isinstance(error, UnhandledError):
            self._partners.note_unhandled(self._message)


def _answers(promised: Any, answer: type) -> bool:
    if promised is None or promised is Any:
        return True
    members = get_args(promised) or (promised,)
    return any(isinstance(each, type) and issubclass(answer, each) for each in members)


def subject_of(protocol: Protocol, role: str, members: MemberNames) -> Party:
    """Return the party that an actor under test plays: the first of its members.

    :raises ScenarioError: if there are none.
    """
    declared = protocol.role(role)
    if not declared.many:
        return Party(role)
    named = protocol.members(members)[role]
    if not named:
        raise ScenarioError(
            thing=f"members={members!r}",
            problem=f"leaves nobody to play {role!r}",
            expected="at least the actor itself",
        )
    return Party(role, named[0])
