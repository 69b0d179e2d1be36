"""What becomes of a letter that is sent once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._dead_letters import DeadLetterReason
from dramaturg.actors._envelope import Envelope, Headers, UnaskedSlot
from dramaturg.actors._errors import ActorStopped, DramaturgError, Refused

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._dead_letters import DeadLetter
    from dramaturg.actors._durable_dead_letters import DurableDeadLetters

__all__ = ["ReplaySlot"]


@final
class ReplaySlot(UnaskedSlot):
    """The reply slot of a replayed message: what closes it is that it was handled, or not."""

    __slots__ = ("_cell", "_letter", "_store")

    def __init__(self, store: DurableDeadLetters, letter: DeadLetter, cell: Cell) -> None:
        self._store = store
        self._letter = letter
        self._cell = cell

    def complete(self, value: Any, error: BaseException | None) -> None:  # noqa: ARG002 - the protocol's
        """Take note of the end. Any thread."""
        if error is not None and self._leaves_no_letter(error):
            letter = self._letter
            assert letter.message_id is not None  # noqa: S101 - it was given one
            headers = Headers(
                letter.message_id,
                letter.correlation_id or letter.message_id,
                letter.causation_id,
                letter.attempts,
            )
            envelope = Envelope(letter.message, None, None, None, headers)
            reason = (
                DeadLetterReason.REFUSED if isinstance(error, Refused) else DeadLetterReason.CRASHED
            )
            self._store.add(self._cell, letter.message, envelope, reason, error)
        self._store.came_through(self._letter, failed=error is not None)

    def _leaves_no_letter(self, error: BaseException) -> bool:
        """Tell whether the runtime makes no letter of it if there is somebody to be told."""
        if isinstance(error, Refused):
            return True
        if not self._cell.pykka_contract:
            return False
        # Under pykka's contract a caller's error is the caller's alone, and the actor lives.
        not_found = isinstance(error, ActorStopped) and error.detail == "not found"
        return not isinstance(error, DramaturgError) or not_found
