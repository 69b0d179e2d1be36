"""What the tests of live monitors share: two-phase commit, played well and badly."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from dramaturg.actors import Actor, ActorRef, ActorSystem, Message, Request, handler
from dramaturg.protocols import AttachedMonitor, Monitor, Protocol, ProtocolViolated, Role, sequence


class Begin(Message):
    accounts: tuple[ActorRef[Any], ...]
    skip: int = 0


class Prepare(Message):
    transaction: int


class Vote(Message):
    yes: bool = True


class Commit(Message): ...


class Abort(Message): ...


class Ask(Request[int]):
    number: int


COORDINATOR = Role("coordinator")
PARTICIPANT = Role("participant", many=True)

TWO_PHASE_COMMIT = Protocol(
    "two_phase_commit",
    roles=(COORDINATOR, PARTICIPANT),
    order=sequence(
        COORDINATOR >> PARTICIPANT @ Prepare,
        PARTICIPANT >> COORDINATOR @ Vote,
        (COORDINATOR >> PARTICIPANT @ Commit) | (COORDINATOR >> PARTICIPANT @ Abort),
    ),
)


class Coordinator(Actor):
    """Commits when all but ``skip`` have voted."""

    def __init__(self) -> None:
        self.votes = 0

    @handler
    def begin(self, message: Begin) -> None:
        self.accounts = message.accounts
        self.left = len(message.accounts) - message.skip
        for ref in message.accounts:
            ref.tell(Prepare(transaction=1))

    @handler
    def vote(self, message: Vote) -> None:
        self.left -= 1
        if self.left == 0:
            for ref in self.accounts:
                ref.tell(Commit())


class Account(Actor):
    @handler
    def prepare(self, message: Prepare) -> None:
        assert self.context.sender is not None
        self.context.sender.tell(Vote())

    @handler
    def commit(self, message: Commit) -> None: ...


class AsyncAccount(Actor):
    @handler
    async def prepare(self, message: Prepare) -> None:
        assert self.context.sender is not None
        self.context.sender.tell(Vote())

    @handler
    async def commit(self, message: Commit) -> None: ...


@contextmanager
def attached(
    system: ActorSystem, protocol: Protocol, roles: Any, **options: Any
) -> Generator[tuple[AttachedMonitor, list[ProtocolViolated]]]:
    """Attach a monitor, and gather what it publishes."""
    violations: list[ProtocolViolated] = []
    subscription = system.events.subscribe(violations.append, ProtocolViolated)
    with Monitor(protocol, roles, **options).attach(system) as monitor:
        yield monitor, violations
    subscription.cancel()
