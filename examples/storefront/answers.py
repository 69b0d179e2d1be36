"""What makes a department's commands safe to repeat."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from dramaturg.actors import Refused


class Command(Protocol):
    """A message about one order."""

    @property
    def order(self) -> int:
        """The id of the order."""
        ...


CommandT = TypeVar("CommandT", bound=Command)
AnswerT = TypeVar("AnswerT")


class Deed(NamedTuple, Generic[CommandT, AnswerT]):
    """A command that was obeyed, and the answer to it."""

    command: CommandT
    answer: AnswerT


class Answers(Generic[CommandT, AnswerT]):
    """The answers that a department has given, by order id.

    :param given: by an earlier incarnation.
    """

    def __init__(self, given: Mapping[int, Deed[CommandT, AnswerT]] | None = None) -> None:
        self._given = dict(given or {})

    def once(self, command: CommandT, act: Callable[[CommandT], AnswerT]) -> AnswerT:
        """Act and answer, or give the same answer again if this very command was obeyed before.

        :raises Refused: another command was obeyed for this order.
        """
        if command.order not in self._given:
            self._given[command.order] = Deed(command, act(command))
        obeyed, answer = self._given[command.order]
        if obeyed != command:
            raise Refused(
                f"order {command.order} was already served as {obeyed!r}, and now is {command!r}"
            )
        return answer

    def deeds(self) -> Mapping[int, Deed[CommandT, AnswerT]]:
        """Copy all commands obeyed with their answers, by order, oldest first."""
        return dict(self._given)

    def __contains__(self, order: object) -> bool:
        """Tell whether a command for the order was obeyed."""
        return order in self._given

    def __iter__(self) -> Iterator[Deed[CommandT, AnswerT]]:
        """Go through all commands obeyed and their answers, oldest first."""
        return iter(self._given.values())

    def __len__(self) -> int:
        """Count the commands obeyed."""
        return len(self._given)
