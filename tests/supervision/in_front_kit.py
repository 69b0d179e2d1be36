"""What the tests of breakers and of bulkheads in front of an actor share."""

from typing import Any

from dramaturg.actors import Actor, ActorRef, Directive, Request, handler
from dramaturg.actors._signals import Internal
from tests.actors.kit import Crash, Do, Fail, Note


class Lasting(Actor):
    """Does what it is told, and lives on when it fails."""

    policy = Directive.RESUME

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log: list[Any] = [] if log is None else log

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def note(self, message: Note) -> None:
        self.log.append(message.text)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class Ask(Request[Any]):
    """Makes an asker ask."""

    whom: ActorRef[Any]
    rest: tuple[ActorRef[Any], ...] = ()


class Asker(Actor):
    """Asks the first of those that it is given to ask the rest."""

    policy = Directive.RESUME

    @handler
    async def ask(self, message: Ask) -> Any:
        if not message.rest:
            return await message.whom.request(Do(lambda _: "done"))
        return await message.whom.request(Ask(whom=message.rest[0], rest=message.rest[1:]))


class Bomb(Internal):
    """Makes any actor fail, in its turn."""

    def handle(self, cell: Any) -> None:
        raise Crash("boom")
