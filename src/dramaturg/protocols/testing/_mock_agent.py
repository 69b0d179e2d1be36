"""A stand-in for an agent: answers each type of request as a table says, and keeps the calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeVar, final

from dramaturg.actors import Actor, DramaturgError, Future, OptionError, handler
from dramaturg.actors._waiting import within
from dramaturg.protocols._borders import MAPPING, SECONDS, check_options, instance
from dramaturg.protocols.testing._probe_errors import UnexpectedMessageError

if TYPE_CHECKING:
    from dramaturg.actors import ActorRef, ActorSystem

__all__ = ["Answers", "Call", "Delayed", "InTurn", "MockAgent", "NoMoreAnswersError"]

M = TypeVar("M")


class NoMoreAnswersError(DramaturgError, AssertionError):
    """A mock was asked more often than it has answers."""

    def __init__(self, *, message: object, answers: int) -> None:
        self.message = message
        self.answers = answers
        super().__init__(f"{message!r} is one more than the {answers} answers in turn")


@final
@dataclass(frozen=True, slots=True)
class Call:
    """One message that a mock has got.

    :param time: when, by the system's clock.
    """

    message: Any
    sender: ActorRef[Any] | None
    time: float


@final
@dataclass(frozen=True, slots=True)
class Delayed:
    """An answer that takes its time; by a simulation's clock if the system has that.

    :param answer: whatever else an answer may be.
    :raises OptionError: for less than 0 seconds, or no finite number of them.
    """

    seconds: float
    answer: Any = None

    def __post_init__(self) -> None:
        check_options(seconds=(self.seconds, SECONDS))


@final
class InTurn:
    """One answer for each request, in this order; for one mock in one run.

    :param answers: whatever else an answer may be.
    """

    def __init__(self, *answers: Any) -> None:
        self._answers = answers
        self._given = 0

    def next_for(self, message: object) -> Any:
        """Return the next answer.

        :raises NoMoreAnswersError: if there is none.
        """
        if self._given == len(self._answers):
            raise NoMoreAnswersError(message=message, answers=len(self._answers))
        self._given += 1
        return self._answers[self._given - 1]

    def __repr__(self) -> str:
        return f"InTurn({', '.join(map(repr, self._answers))})"


@final
@dataclass(eq=False)
class Answers:
    """What a mock answers, and what it was asked; for one mock in one run.

    ::

        answers = Answers({
            Price: 3,                                   # a value
            Order: lambda order: Ordered(order.item),   # a function of the message
            Pay: InTurn(Refused("try later"), Paid()),  # one after the other
            Ship: Delayed(2.0, Shipped()),              # 2 s later
            Cancel: KeyError("no such order"),          # an exception is raised
        })
        agent = system.spawn(Props(MockAgent, answers))

    A message is answered by its own type, or the nearest that it derives from. A
    :class:`Refused` says no, another exception fails the mock as it would an agent.

    :raises OptionError: if it is no mapping, or a key is no type.
    """

    by_type: Mapping[type, Any]
    calls: list[Call] = field(default_factory=list[Call], init=False)
    """All that it has got, in order; also what it has no answer for."""

    def __post_init__(self) -> None:
        check_options(by_type=(self.by_type, MAPPING))
        for each in self.by_type:
            if not isinstance(each, type):
                raise OptionError(option="by_type", value=each, expected="types of messages")

    def calls_of(self, message: type[M]) -> list[M]:
        """Return the messages of a type that it has got, in order.

        :raises OptionError: if it is no type.
        """
        check_options(message=(message, instance(type, "a type of messages")))
        return [call.message for call in self.calls if isinstance(call.message, message)]

    async def answer(self, message: Any, *, who: str, system: ActorSystem) -> Any:
        """Return the answer to a message.

        :raises UnexpectedMessageError: if there is none for its type.
        """
        for base in type(message).__mro__:
            if base in self.by_type:
                return await _resolved(self.by_type[base], message, system)
        known = ", ".join(each.__qualname__ for each in self.by_type) or "nothing"
        raise UnexpectedMessageError(who=who, expected=known, message=message)


async def _resolved(answer: Any, message: Any, system: ActorSystem) -> Any:
    while isinstance(answer, InTurn | Delayed):
        if isinstance(answer, InTurn):
            answer = answer.next_for(message)
        else:
            await within(system, Future(), answer.seconds)  # which nobody completes
            answer = answer.answer
    if _is_error(answer):
        raise answer
    if not callable(answer):
        return answer
    made: Any = answer(message)
    return await made if isawaitable(made) else made


def _is_error(answer: Any) -> bool:
    if isinstance(answer, type):
        return issubclass(answer, BaseException)
    return isinstance(answer, BaseException)


class MockAgent(Actor):
    """Answers by a table; one message at a time, as every actor."""

    def __init__(self, answers: Answers) -> None:
        check_options(answers=(answers, instance(Answers, "Answers(...)")))
        self._answers = answers

    @handler
    async def answer(self, message: object) -> Any:
        context = self.context
        self._answers.calls.append(Call(message, context.sender, context.clock.monotonic()))
        return await self._answers.answer(message, who=context.path, system=context.system)
