"""The disk of a node: what is still there when the node comes back.

Modelled on a file system's promises. What was appended can be read at once, but only what was
synced is sure to survive a crash; of the rest nothing is there afterwards, or, if the crash
tears it, a part of it. A write or a sync may fail; then nothing of it has happened, and what
was written before stays unsynced.
"""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

from dramaturg.protocols._borders import TEXT, at_least
from dramaturg.protocols.testing._borders import check_kinds
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Disk"]


class _File:
    __slots__ = ("cached", "synced")

    def __init__(self) -> None:
        self.synced = b""
        self.cached = b""
        """What comes behind that, and would be lost."""


class _Operation:
    """One write or sync that somebody waits for."""

    __slots__ = ("do", "done", "event", "fail", "writes")

    def __init__(self, node: str, what: str, do: Callable[[], None], number: int) -> None:
        self.do = do
        self.writes = what.startswith("write ")
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.event = Event("disk", f"{what} #{number}", node, f"disk {node}", self)
        self.fail = Event("fail", f"fail {what} #{number}", node, f"fail {node}", self)


class Disk:
    """Files of bytes, kept over crashes of their node.

    The seam for what is durable: a journal in a simulation writes here. Each write and each
    sync is an event of the simulation: others may act before it is done, it may fail with
    an ``OSError`` (``Faults(write_errors=)``), and the node may crash instead. Who is still on
    the way out after such a crash writes nothing any more, and is cancelled once more.

    :param use: called whenever somebody looks at the disk or writes; tells whether that is
        somebody who is there no more.
    """

    def __init__(self, node: str, use: Callable[[str], bool]) -> None:
        self._node = node
        self._use = use
        self._files: dict[str, _File] = {}
        self._waiting: list[_Operation] = []
        self._numbers: dict[str, int] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files, in the order in which they were made."""
        self._use(self._node)
        return tuple(self._files)

    def read(self, name: str) -> bytes:
        """Return what a file holds, synced or not; b"" if there is none.

        :raises ScenarioError: if it is no name.
        """
        check_kinds(name=(name, TEXT))
        self._use(self._node)
        file = self._files.get(name)
        return b"" if file is None else file.synced + file.cached

    async def append(self, name: str, data: bytes) -> None:
        """Append to a file, which is made if it is not there.

        :raises OSError: if the write fails; then nothing was appended.
        :raises ScenarioError: if it is no name, or no bytes.
        """
        if not isinstance(name, str) or not name or not isinstance(data, bytes):
            raise ScenarioError(
                thing=f"disk.append({name!r}, {data!r})",
                problem="cannot be written",
                expected="the name of a file, and bytes",
            )

        def write() -> None:
            self._files.setdefault(name, _File()).cached += data

        await self._operate("write", name, write)

    async def sync(self, name: str) -> None:
        """Make sure that what was appended to a file survives a crash.

        :raises OSError: if it fails; then what was not synced still is not.
        :raises ScenarioError: if it is no name.
        """
        check_kinds(name=(name, TEXT))

        def sync() -> None:
            file = self._files.get(name)
            if file is not None:
                file.synced, file.cached = file.synced + file.cached, b""

        await self._operate("sync", name, sync)

    async def truncate(self, name: str, length: int) -> None:
        """Cut a file down to so many bytes, as one does with a torn end; at once durable.

        :raises OSError: if it fails; then the file is as it was.
        :raises ScenarioError: if it is no name, or no length.
        """
        check_kinds(name=(name, TEXT), length=(length, at_least(0)))

        def truncate() -> None:
            file = self._files.get(name)
            if file is not None:
                file.synced, file.cached = (file.synced + file.cached)[:length], b""

        await self._operate("truncate", name, truncate)

    async def _operate(self, what: str, name: str, do: Callable[[], None]) -> None:
        if self._use(self._node):
            await asyncio.sleep(0)  # who does not give up is noticed by the loop
            raise asyncio.CancelledError
        label = f"{what} {self._node}:{name}"
        number = self._numbers.get(label, 0)
        self._numbers[label] = number + 1
        operation = _Operation(self._node, label, do, number)
        self._waiting.append(operation)
        await operation.done

    # -- for the simulation --------------------------------------------------------------

    def possible(self) -> list[Event]:
        """Return what the disk may do next: one thing after the other."""
        return [self._waiting[0].event] if self._waiting else []

    def failures(self) -> list[Event]:
        """Return what may fail."""
        return [self._waiting[0].fail] if self._waiting else []

    def execute(self, event: Event) -> None:
        """Let an operation be done, or fail."""
        operation: _Operation = event.payload
        self._waiting.remove(operation)
        if event.kind == "disk":
            operation.do()
        if operation.done.done():  # whoever waited was cancelled
            return
        if event.kind == "disk":
            operation.done.set_result(None)
        else:
            operation.done.set_exception(OSError(errno.EIO, f"simulated: {event.name}"))

    @property
    def can_tear(self) -> bool:
        """Whether a crash now could leave a part of something."""
        cached = any(len(file.cached) > 1 for file in self._files.values())
        return cached or (bool(self._waiting) and self._waiting[0].writes)

    def crash(self, *, torn: bool) -> None:
        """Forget what a crash takes; a torn one leaves the first half of it."""
        if torn and self._waiting and self._waiting[0].writes:
            self._waiting[0].do()
        self._waiting.clear()
        for file in self._files.values():
            if torn:
                file.synced += file.cached[: len(file.cached) // 2]
            file.cached = b""
