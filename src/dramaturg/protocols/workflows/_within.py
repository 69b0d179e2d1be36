"""Workflows within: what a step that was cut short, or has failed, may have left running.

What is owed is known from the records, so also to the next process: as long as it is not noted
that it has ended, the instance around it is listed as running and is brought back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import DramaturgError
from dramaturg.protocols.workflows._messages import Ticked
from dramaturg.protocols.workflows._records import Settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorContext
    from dramaturg.protocols.workflows._live import LiveAction
    from dramaturg.protocols.workflows._records import Record
    from dramaturg.protocols.workflows._run import Run

__all__ = ["Within"]

PAUSE = 1.0
LONGEST_PAUSE = 60.0


@final
class Within:
    """Ends what is owed.

    :param note: told of each that has ended.
    :param wait_for: is given tasks that nothing that begins may overtake.
    """

    def __init__(
        self,
        context: ActorContext,
        *,
        note: Callable[[Record], None],
        wait_for: Callable[[str, asyncio.Task[None]], None],
    ) -> None:
        self._context = context
        self._note = note
        self._wait_for = wait_for
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pauses: dict[str, float] = {}

    def see_to(self, run: Run) -> None:
        """Begin to end what is owed, and nobody sees to yet."""
        for address, live in run.owed.items():
            if address not in self._tasks and address not in self._pauses:
                self._begin(run, live)

    def again(self, run: Run, address: str) -> None:
        """Try once more to end one."""
        live = run.owed.get(address)
        if live is not None and address not in self._tasks:
            self._begin(run, live)

    def stop(self) -> None:
        """End nothing more: the process, or this incarnation of the coordinator, ends."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    def settled(self, address: str) -> None:
        """Forget one that is noted to have ended."""
        self._tasks.pop(address, None)

    def _begin(self, run: Run, live: LiveAction) -> None:
        loop = asyncio.get_running_loop()
        participant: Any = live.spec.participant
        system, call = self._context.system, run.call(live)
        told = loop.create_task(participant.cut_short(system, call))
        self._wait_for(live.address, told)
        self._tasks[live.address] = loop.create_task(self._settle(live, told, run))

    async def _settle(self, live: LiveAction, told: asyncio.Task[None], run: Run) -> None:
        address = live.address
        participant: Any = live.spec.participant
        try:
            await told
            await participant.over(self._context.system, run.call(live))
        except DramaturgError as error:
            self._try_later(address, error)
        else:
            self._pauses.pop(address, None)
            self._note(Settled(address=address))

    def _try_later(self, address: str, error: DramaturgError) -> None:
        self._tasks.pop(address, None)
        pause = self._pauses.get(address, PAUSE)
        self._pauses[address] = min(2 * pause, LONGEST_PAUSE)
        self._context.log.warning("workflow_within_not_ended", step=address, error=str(error))
        self._context.start_timer((address, "within"), Ticked(address, "within"), after=pause)
