"""A probe for coroutines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, overload

from dramaturg.actors._future import waker
from dramaturg.protocols._borders import ACTOR_REF, FUNCTION, check_options
from dramaturg.protocols.testing._probe import COUNT, QUIET, WITHIN, ProbeCore, seconds
from dramaturg.protocols.testing._probe_errors import NoMessageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorRef, Terminated

__all__ = ["AsyncTestProbe"]

M = TypeVar("M")


class AsyncTestProbe(ProbeCore):
    """What :class:`TestProbe` is, for coroutines: all that waits is awaited.

    ::

        async with ActorSystem() as system:
            probe = AsyncTestProbe(system)
            orders.tell(Subscribe(probe.ref))
            await probe.expect_message(Ordered)

    Also in the scenario of a simulation, where its times are virtual.
    """

    @overload
    async def expect_message(self, expected: type[M], *, within: float | None = None) -> M: ...
    @overload
    async def expect_message(self, expected: M, *, within: float | None = None) -> M: ...
    @overload
    async def expect_message(self, *, within: float | None = None) -> Any: ...
    async def expect_message(
        self, expected: object = object, *, within: float | None = None
    ) -> Any:
        """See :meth:`TestProbe.expect_message`; default within 3 s."""
        limit = seconds(within, WITHIN)
        await self._wait(1, limit)
        return self._take_expected(expected, limit)

    async def expect_no_message(self, *, within: float | None = None) -> None:
        """See :meth:`TestProbe.expect_no_message`; default within 0.1 s."""
        await self._wait(1, seconds(within, QUIET))
        self._check_quiet()

    async def fish(self, wanted: Callable[[Any], object], *, within: float | None = None) -> Any:
        """See :meth:`TestProbe.fish`."""
        check_options(wanted=(wanted, FUNCTION))
        limit = seconds(within, WITHIN)
        seen: list[Any] = []
        try:
            async with asyncio.timeout(limit):
                while not self._pass_over(wanted, seen):
                    await self._next(1)
        except TimeoutError:
            raise NoMessageError(
                who=self.ref.path, expected="another message", within=limit, seen=seen
            ) from None
        return self._fished()

    async def receive_n(self, count: int, *, within: float | None = None) -> tuple[Any, ...]:
        """See :meth:`TestProbe.receive_n`."""
        check_options(count=(count, COUNT))
        limit = seconds(within, WITHIN)
        await self._wait(count, limit)
        if len(self._inbox.waiting) < count:
            raise self._too_few(count, limit)
        return tuple(self._take().message for _ in range(count))

    async def expect_terminated(
        self, ref: ActorRef[Any], *, within: float | None = None
    ) -> Terminated:
        """See :meth:`TestProbe.expect_terminated`."""
        check_options(ref=(ref, ACTOR_REF))
        limit = seconds(within, WITHIN)
        await self._wait(1, limit)
        return self._take_terminated(ref, limit)

    async def _wait(self, count: int, within: float) -> None:
        """Wait until so many messages are there, or the time is over."""
        try:
            async with asyncio.timeout(within):
                await self._next(count)
        except TimeoutError:
            return

    async def _next(self, count: int) -> None:
        while True:
            done, wake = waker()
            self._inbox.arrived = wake
            # Whatever came before that is there to be seen.
            if len(self._inbox.waiting) >= count:
                return
            await done
