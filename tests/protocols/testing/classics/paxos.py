"""Single-decree Paxos as a register: who is written to proposes, and what is decided is read."""

from dataclasses import dataclass

from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._outputs import Output
from tests.protocols.testing.classics.register import Get, Got, Put, PutDone, register

Ballot = tuple[int, str]
Proposal = tuple[int, str, str]
"""Of which request, of which client, and what to decide."""


@dataclass(frozen=True)
class Prepare:
    ballot: Ballot


@dataclass(frozen=True)
class Promise:
    ballot: Ballot
    accepted: tuple[Ballot, Proposal] | None


@dataclass(frozen=True)
class Accept:
    ballot: Ballot
    proposal: Proposal


@dataclass(frozen=True)
class Accepted:
    ballot: Ballot


@dataclass(frozen=True)
class Decided:
    ballot: Ballot
    proposal: Proposal


class Server:
    def __init__(self, name: str, peers: list[str]) -> None:
        self.name = name
        self.peers = peers
        self.ballot: Ballot = (0, "")
        self.proposal: Proposal | None = None
        self.promises: dict[str, tuple[Ballot, Proposal] | None] = {}
        self.accepts: set[str] = set()
        self.accepted: tuple[Ballot, Proposal] | None = None
        self.decided = False

    @property
    def majority(self) -> int:
        return (len(self.peers) + 1) // 2 + 1

    def on_message(self, sender: str, message: object) -> list[Output]:
        if self.decided:
            if isinstance(message, Get) and self.accepted is not None:
                return [(sender, Got(message.request, self.accepted[1][2]))]
            return []
        if isinstance(message, Prepare | Accept | Decided):
            return self.follow(sender, message)
        return self.lead(sender, message)

    def follow(self, sender: str, message: Prepare | Accept | Decided) -> list[Output]:
        match message:
            case Prepare(ballot) if self.ballot < ballot:
                self.ballot = ballot
                return [(sender, Promise(ballot, self.accepted))]
            case Accept(ballot, proposal) if self.ballot <= ballot:
                self.ballot = ballot
                self.accepted = (ballot, proposal)
                return [(sender, Accepted(ballot))]
            case Decided(ballot, proposal):
                self.ballot = ballot
                self.accepted = (ballot, proposal)
                self.decided = True
            case _:
                pass
        return []

    def lead(self, sender: str, message: object) -> list[Output]:
        match message:
            case Put(request, value) if self.proposal is None:
                return self.propose((request, sender, value))
            case Promise(ballot, accepted) if ballot == self.ballot:
                self.promises[sender] = accepted
                if len(self.promises) == self.majority:
                    return self.ask_to_accept()
            case Accepted(ballot) if ballot == self.ballot:
                self.accepts.add(sender)
                if len(self.accepts) == self.majority:
                    return self.decide()
            case _:
                pass
        return []

    def propose(self, proposal: Proposal) -> list[Output]:
        self.proposal = proposal
        self.ballot = (self.ballot[0] + 1, self.name)
        self.promises = {self.name: self.accepted}
        self.accepts = set()
        return [(peer, Prepare(self.ballot)) for peer in self.peers]

    def ask_to_accept(self) -> list[Output]:
        # Whatever may have been decided under an earlier ballot is decided again.
        earlier = self.known()
        assert self.proposal is not None
        self.proposal = max(earlier)[1] if earlier else self.proposal
        self.accepted = (self.ballot, self.proposal)
        self.accepts.add(self.name)
        return [(peer, Accept(self.ballot, self.proposal)) for peer in self.peers]

    def known(self) -> list[tuple[Ballot, Proposal]]:
        return [accepted for accepted in self.promises.values() if accepted is not None]

    def decide(self) -> list[Output]:
        self.decided = True
        assert self.proposal is not None
        request, client, _ = self.proposal
        said = Decided(self.ballot, self.proposal)
        return [*((peer, said) for peer in self.peers), (client, PutDone(request))]


class ForgetfulServer(Server):
    """Proposes its own value whatever was accepted before."""

    def known(self) -> list[tuple[Ballot, Proposal]]:
        return []


def paxos(server: type[Server] = Server, *, servers: int = 3, clients: int = 2) -> Model:
    names = [f"server{n}" for n in range(servers)]
    members = {name: server(name, [each for each in names if each != name]) for name in names}
    return register(members, clients=clients)
