"""The attempts of one instance that are under way in this process: tasks of its coordinator.

What has become of an attempt is a record, noted once: of an attempt with which the instance has
not gone on nothing is taken. Whatever is begun waits until those have ended that were cut short;
but for ``GRACE`` seconds at most: one that does not heed its cancellation is abandoned then.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors import DeadlineExceeded, DramaturgError
from dramaturg.protocols.workflows._cut import Ending
from dramaturg.protocols.workflows._errors import AttemptCancelled
from dramaturg.protocols.workflows._live import LiveAction
from dramaturg.protocols.workflows._messages import Ticked
from dramaturg.protocols.workflows._outcome import StepError, error_of, why_not_stored
from dramaturg.protocols.workflows._records import Failed, MadeAgain, Record, Succeeded
from dramaturg.protocols.workflows._scope import LiveUndo
from dramaturg.protocols.workflows._within import Within

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from dramaturg.actors import ActorContext, Codec
    from dramaturg.protocols.workflows._participant import Call
    from dramaturg.protocols.workflows._run import Run

__all__ = ["Attempts", "copied", "undeclared"]

_PLAIN = frozenset({bool, int, float, bytes, type(None)})


@final
class Attempts:
    """What a coordinator has under way.

    :param name: what its tasks are called.
    :param note: told what has become of each attempt.
    :param drained: called when all have ended that were cut short.
    """

    def __init__(
        self,
        context: ActorContext,
        codec: Codec,
        name: str,
        *,
        note: Callable[[Record], None],
        drained: Callable[[], None],
    ) -> None:
        self._context = context
        self._codec = codec
        self._name = name
        self._note = note
        self._tasks: dict[str, tuple[int, asyncio.Task[None]]] = {}
        self._made_before: dict[str, int] = {}
        """Those that were, or may have been, made by a process that has ended."""
        self._cut: set[asyncio.Task[None]] = set()
        """Those that were cancelled from here; any other has cancelled itself."""
        self.ending = Ending(context, name, drained=drained)
        self.within = Within(context, note=note, wait_for=self.ending.add)

    def were_made_before(self, run: Run) -> None:
        """Take note of what was under way when another process, or incarnation, ended."""
        self._made_before = dict(run.open)

    def made_again(self, run: Run) -> Iterator[Record]:
        """Go through those that are about to be made again; take each in before the next."""
        for address, attempt in self._made_before.items():
            live = run.live.get(address)
            if run.open.get(address) != attempt or not isinstance(live, LiveAction):
                continue
            # To attach to a workflow within again does nothing again.
            if not hasattr(live.spec.participant, "over"):
                yield _made_again(live)

    # -- in step with the instance -----------------------------------------------------------

    def cut_superfluous(self, run: Run) -> None:
        """Cut those short with which the instance does not go on."""
        for address in run.closed:
            if address not in run.open and address in self._tasks:
                self._end(address)
                self.forget(address)
        run.closed.clear()
        self.within.see_to(run)

    def begin_all(self, run: Run) -> None:
        """Begin what is intended."""
        gate: asyncio.Event | None = None
        for address in run.opened:
            attempt, known = run.open.get(address), self._tasks.get(address)
            if attempt is not None and (known is None or known[0] != attempt):
                gate = gate or self.ending.gate()
                self._begin(run, address, attempt, gate)
        run.opened.clear()

    def forget(self, address: str) -> None:
        """Wait no more for the one at an address."""
        self._tasks.pop(address, None)
        self._context.cancel_timer((address, "attempt"))

    def time_is_up(self, run: Run, tick: Ticked) -> None:
        """Let an attempt fail that takes too long."""
        known = self._tasks.get(tick.address)
        live = run.live.get(tick.address)
        if known is None or known[0] != tick.attempt or not isinstance(live, LiveAction):
            return
        timeout = live.spec.options.timeout
        error = DeadlineExceeded(waiting_for=live.spec.participant.label, timeout=timeout)
        self._failed(live, tick.attempt, error)
        self._end(tick.address)

    def stop(self) -> None:
        """Cut all short: the process, or this incarnation of the coordinator, ends."""
        for _, task in self._tasks.values():
            self._cancel(task)
        self._tasks.clear()
        self.ending.stop()
        self.within.stop()

    def _end(self, address: str) -> None:
        attempt, task = self._tasks[address]
        if not task.done():
            self._cancel(task)
            self.ending.add(address, task, attempt)

    def _cancel(self, task: asyncio.Task[None]) -> None:
        self._cut.add(task)
        task.add_done_callback(self._cut.discard)
        task.cancel()

    # -- one of them ---------------------------------------------------------------------------

    def _begin(self, run: Run, address: str, attempt: int, gate: asyncio.Event) -> None:
        live = run.live[address]
        assert isinstance(live, LiveAction)  # noqa: S101 - only actions have attempts
        coroutine = self._attempt(run, live, attempt, gate)
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self._name} {address}")
        self._tasks[address] = attempt, task

    async def _attempt(self, run: Run, live: LiveAction, attempt: int, gate: asyncio.Event) -> None:
        # What undoes or follows something must not overtake it.
        await gate.wait()
        self._start_clock(live, attempt)
        call = run.call(live)
        try:
            value = copied(self._codec, live.value)
        except DramaturgError as error:
            self._note(undeclared(live.address, error, attempt))
            return
        try:
            result = await self._acting(run, live, value, call)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:
            is_cancelled = isinstance(error, asyncio.CancelledError)
            if is_cancelled and (asyncio.current_task() in self._cut or _loop_ends()):
                raise
            if self._is_under_way(live, attempt):
                why = AttemptCancelled(step=live.address) if is_cancelled else error
                self._failed(live, attempt, why)
        else:
            if self._is_under_way(live, attempt):
                self._succeeded(live, attempt, result)

    def _acting(self, run: Run, live: LiveAction, value: Any, call: Call) -> Awaitable[Any]:
        """Do what the step says; it is reported if it holds the loop."""
        system, spec = self._context.system, live.spec
        acting = spec.participant.act(system, value, call, spec.options.timeout)
        what = f"step {live.address!r} of {run.workflow!r} {run.instance!r}"
        return system.watchdog.watch(acting, path=self._context.path, what=what)

    def _start_clock(self, live: LiveAction, attempt: int) -> None:
        timeout = live.spec.options.timeout
        if timeout is not None and self._is_under_way(live, attempt):
            tick = Ticked(live.address, "attempt", attempt)
            self._context.start_timer((live.address, "attempt"), tick, after=timeout)

    def _is_under_way(self, live: LiveAction, attempt: int) -> bool:
        """Tell whether the instance has not gone on without this attempt."""
        known = self._tasks.get(live.address)
        return known is not None and known[0] == attempt

    def _succeeded(self, live: LiveAction, attempt: int, value: Any) -> None:
        try:
            stored = copied(self._codec, value)
        except DramaturgError as error:
            if inspect.iscoroutine(value):
                value.close()
            if isinstance(live, LiveUndo):
                # What is undone is undone, whatever it gives: nobody asks for that.
                self._note(Succeeded(address=live.address, value=None))
            else:
                self._note(undeclared(live.address, error, attempt))
        else:
            self._note(Succeeded(address=live.address, value=stored))

    def _failed(self, live: LiveAction, attempt: int, error: BaseException) -> None:
        system = self._context.system
        now = system.clock.time().timestamp()
        pause = live.spec.retry.again(
            error, attempt=attempt, spent=now - live.begun_at, random=system.random
        )
        self._note(
            Failed(
                address=live.address,
                error=error_of(live.address, error, attempt),
                retry_at=None if pause is None else now + pause,
                made_before=self._made_before.get(live.address) == attempt,
            )
        )


def _made_again(live: LiveAction) -> Record:
    """Say that an attempt is made again, or that it was often enough."""
    most, restarts = live.spec.retry.restarts, live.restarts + 1
    if most is None or restarts <= most:
        return MadeAgain(address=live.address, attempt=live.attempt, restarts=restarts)
    text = f"its process has ended {restarts} times before it did; Retry(restarts={most})"
    error = StepError(
        step=live.address,
        kind="gone",
        type="ProcessEnded",
        text=text,
        attempts=live.attempt,
    )
    return Failed(address=live.address, error=error, made_before=True)


def _loop_ends() -> bool:
    """Tell whether all tasks of the loop are cancelled: then the next process goes on."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return all(each.cancelling() for each in others)


def copied(codec: Codec, value: Any) -> Any:
    """Return a value as it is read from the journal: who changes one changes no other.

    :raises EncodeError: if it cannot be stored; and what else the codec raises.
    """
    if type(value) in _PLAIN:
        return value
    return codec.decode_value(codec.encode_value(value))


def undeclared(address: str, error: DramaturgError, attempt: int) -> Failed:
    """Let a step fail that gave, or is to be given, what cannot be stored."""
    told = {"kind": "declaration", "text": why_not_stored(error)}
    why = error_of(address, error, attempt).model_copy(update=told)
    return Failed(address=address, error=why)
