"""The record room: how a department's work outlives the department.

A crash takes an actor's state with it: the next incarnation is a new object. What must not be lost
is therefore held twice, by two actors that do not fail together:

* the department, which does the work and may crash upon any order of it;
* its keeper, which adds what it is told to a dict and does nothing else. It calculates nothing,
  decides nothing and asks nobody, so there is nothing in it that an order could make fail (Erlang's
  "error kernel": keep the state where no risk is, and the risk where no state is).

A department tells its keeper of each thing done in the very step in which it does it: between the
deed and the `tell` there is no `await` and so no place for a kill to fall in. A crash thus leaves
both or neither, and what waits in the keeper's mailbox is not lost with the sender. When it starts
again, a department reads the record first and works after that. As the request to read stands
behind all that was told, it misses nothing.

Should a keeper end all the same, its next incarnation has the department read out what it knows.
Only if the department ends before it has done so something is lost, and reconciliation says what.
That is as far as memory goes; what has to outlive the process belongs into a journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic

from dramaturg.actors import (
    Actor,
    ActorRef,
    DeadlineExceeded,
    GoneError,
    Request,
    RequestCycleError,
    handler,
)
from examples.storefront.addresses import find
from examples.storefront.answers import Answers, AnswerT, CommandT, Deed

MOST_READING: Final = 0.2
"""Seconds that a department gets to begin to read out its record to a keeper."""


@dataclass(frozen=True, slots=True)
class Done:
    """To a keeper: this was done, and is not to be forgotten."""

    deed: Deed[Any, Any]


class ReadOut(Request[Mapping[int, Deed[Any, Any]]]):
    """To a keeper, or a department: say all that was done, by order."""


class AreYouThere(Request[None]):
    """To a department: it answers as soon as it gets to it."""


class Keeper(Actor):
    """Keeps the record of one department. The same deed told again is nothing new.

    :param owner: where the department is.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._deeds: dict[int, Deed[Any, Any]] = {}

    async def on_start(self) -> None:
        """Have the owner read out what is lost, unless this is the beginning."""
        owner = self.context.system.lookup(self._owner)
        if self.context.incarnation == 1 or owner is None:
            return
        try:
            self._deeds = dict(await owner.request(ReadOut(), timeout=MOST_READING))
        except (GoneError, DeadlineExceeded, RequestCycleError):
            # It has ended before it came to it, and perhaps waits for us by now.
            self.context.log.exception("record_lost")

    @handler
    def keep(self, message: Done) -> None:
        """Keep a deed."""
        self._deeds.setdefault(message.deed.command.order, message.deed)

    @handler
    def read_out(self, message: ReadOut) -> Mapping[int, Deed[Any, Any]]:
        """Say all that was done, the oldest first."""
        return dict(self._deeds)


class Department(Actor, Generic[CommandT, AnswerT]):
    """Obeys each command once, and tells its keeper.

    :param keeper: where its keeper is; without one it starts with nothing done.
    """

    def __init__(self, keeper: str | None = None) -> None:
        self._keeper: ActorRef[Any] | None = None
        if keeper is not None:
            self._keeper = find(self.context.system, keeper)
        self._answers: Answers[CommandT, AnswerT] = Answers()

    async def on_start(self) -> None:
        """Read the record."""
        await self.recall()

    async def recall(self) -> None:
        """Take over what was done, by an earlier incarnation or by whoever stood in for it."""
        if self._keeper is not None:
            self._answers = Answers(await self._keeper.request(ReadOut()))

    def answer(self, command: CommandT) -> AnswerT:
        """Obey a command, or say again what was said when it was obeyed; see `Answers.once`."""
        is_new = command.order not in self._answers
        answer = self._answers.once(command, self.obey)
        if is_new and self._keeper is not None:
            self._keeper.tell(Done(Deed(command, answer)))
        return answer

    def obey(self, command: CommandT) -> AnswerT:
        """Do what the command says, for the first time.

        It must be possible to do it again, for a crash may come between it and the record.
        """
        raise NotImplementedError

    @handler
    def are_you_there(self, message: AreYouThere) -> None:
        """Answer."""

    @handler
    def read_out(self, message: ReadOut) -> Mapping[int, Deed[Any, Any]]:
        """Say all that was done; to a keeper that has lost it."""
        return self._answers.deeds()
