"""What makes a department's commands safe to repeat."""

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

from dramaturg.actors import Refused


class Command(Protocol):
    """A message about one order."""

    @property
    def order(self) -> int:
        """The id of the order."""
        ...


CommandT = TypeVar("CommandT", bound=Command)
AnswerT = TypeVar("AnswerT")


class Answers(Generic[CommandT, AnswerT]):
    """The answers that a department has given, by order id."""

    def __init__(self) -> None:
        self._given: dict[int, tuple[CommandT, AnswerT]] = {}

    def once(self, command: CommandT, act: Callable[[CommandT], AnswerT]) -> AnswerT:
        """Act and answer, or give the same answer again if this very command was obeyed before.

        :raises Refused: another command was obeyed for this order.
        """
        if command.order not in self._given:
            self._given[command.order] = (command, act(command))
        obeyed, answer = self._given[command.order]
        if obeyed != command:
            raise Refused(
                f"order {command.order} was already served as {obeyed!r}, and now is {command!r}"
            )
        return answer

    def __iter__(self) -> Iterator[tuple[CommandT, AnswerT]]:
        """Go through all commands obeyed and their answers, oldest first."""
        return iter(self._given.values())

    def __len__(self) -> int:
        """Count the commands obeyed."""
        return len(self._given)
