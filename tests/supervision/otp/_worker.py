"""A worker that does what the scenario says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from dramaturg.actors import Actor, Ignore, handler
from dramaturg.actors._clock import TimerHandle
from tests.supervision.otp._reasons import Told, exit_reason, text_of
from tests.supervision.otp._stage import Attempt, Stage
from tests.supervision.otp.compare import Json

FAILURES = {
    "error": "error:init_error",
    "crash": "error:init_crash",
    "bad_return": "error:bad_return",
    "stop_normal": "normal",
    "stop_shutdown": "shutdown",
}
"""The plans that fail, with the reasons that they give."""

WAITS = {"gate", "hang"}


@dataclass(frozen=True)
class Leave:
    """Tells a worker to end by itself, if it still is the one that this was meant for."""

    attempt: Attempt
    reason: str


class Worker(Actor):
    """Starts as planned, and has nothing to do when it is told to stop.

    :param options: the worker's options.
    :param own: an instance's own options, which go before those of its template; None for a
        child that belongs to no pool.
    """

    def __init__(self, stage: Stage, options: Json, own: Json | None = None) -> None:
        self._stage = stage
        self._is_instance = own is not None
        self._options = options | (own or {})
        self._leaves = False
        self._pause: asyncio.Future[Any] | None = None
        self._attempt = stage.enter(self, self._options, is_supervisor=False)

    async def on_start(self) -> str | None:
        # The supervisor keeps a child's limit, but has no room for one of an instance's own.
        limit = self._options.get("start_timeout")
        if limit is None or not self._is_instance:
            return await self._follow(self._attempt.plan)
        alarm = self._call_in(limit, self._give_up)
        try:
            return await self._follow(self._attempt.plan)
        finally:
            alarm.cancel()

    @handler
    def leave(self, message: Leave) -> None:
        """End by itself, in which case there is no hook to run."""
        if message.attempt is not self._attempt:
            return
        self._leaves = True
        if message.reason == "killed":
            self.context.ref.kill()
        else:
            self.context.stop_self(exit_reason(message.reason))

    async def _follow(self, plan: Any) -> str | None:
        entered = False
        while isinstance(plan, dict) or plan in WAITS:
            if not entered:
                self._stage.note("init", self._attempt)
                entered = True
            plan = await self._wait(plan)
        if plan == "ignore":
            raise Ignore
        if plan in FAILURES:
            raise Told(FAILURES[plan])
        return "extra" if plan == "ok_info" else None

    async def _wait(self, plan: Any) -> Any:
        """Wait as the plan says; return what to do then."""
        delay = cast("Json", plan) if isinstance(plan, dict) else None
        self._pause = pause = asyncio.get_running_loop().create_future()
        alarm: TimerHandle | None = None
        if delay is not None:
            alarm = self._call_in(delay["delay"], self._go_on, pause, delay["then"])
        elif plan == "gate":
            self._attempt.gate = pause
        try:
            return await pause
        finally:
            self._attempt.gate = None
            if alarm is not None:
                alarm.cancel()

    def _go_on(self, pause: asyncio.Future[Any], plan: Any) -> None:
        if not pause.done():
            pause.set_result(plan)

    def _give_up(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_exception(Told("timeout"))

    def _call_in(self, ms: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        clock = self.context.clock
        return clock.call_at(clock.monotonic() + ms / 1_000, callback, *args)


class TrappingWorker(Worker):
    """One that has something to do when it is told to stop."""

    async def on_stop(self) -> None:
        if self._leaves or not self._options.get("trap_exit", True):
            return
        reason = self.context.exit_reason
        self._stage.note("terminate", self._attempt, None if reason is None else text_of(reason))
        await self._take_time(self._options.get("terminate_ms", 0))
        last_word = self._options.get("terminate_exit")
        if last_word is not None:
            self.context.stop_self(exit_reason(last_word))

    async def _take_time(self, ms: Any) -> None:
        if ms == "infinity":
            await asyncio.get_running_loop().create_future()
        elif ms:
            await self._stage.clock.sleep(ms / 1_000)
