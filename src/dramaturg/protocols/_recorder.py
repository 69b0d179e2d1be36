"""The recorder: what goes through a running system, kept in memory or in a file."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from dramaturg.actors import TypeRegistry
from dramaturg.protocols._borders import (
    PATH,
    SYSTEM,
    at_least,
    check_options,
    instance,
    limited,
    optional,
)
from dramaturg.protocols._recorder_attached import AttachedRecorder

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem

__all__ = ["Recorder"]

SMALLEST = 4_096

_LIMIT = limited(at_least(1), sys.maxsize, f"an int from 1 to {sys.maxsize:,}")


@final
@dataclass(frozen=True, init=False)
class Recorder:
    """Records the messages of a live system: what is sent and received, replies, failures.

    ::

        with Recorder(file="shop.recording").attach(system):
            ...
        print(Recording.load("shop.recording").diagram())

    It only looks on, and costs nothing while it is not attached. Timers' ticks are no messages;
    what was queued before it was attached is not seen.

    In memory it keeps the newest entries, and the messages themselves: one that is changed
    after it was sent is recorded as it is when somebody reads. In a file each entry is there
    when its write returns, also after a SIGKILL; that takes place in the thread that sends or
    receives. A file that was there becomes ``path`` with ``.1`` behind, as does the file whenever
    it is half of ``max_bytes`` large; there is one older file, not several.

    :param limit: so many entries are kept in memory; a message has two, its reply a third.
    :param file: write to this file instead.
    :param max_bytes: so large may the file and the older one be together.
    :param registry: messages of its types are stored exactly, by the codec. All others are taken
        apart: dataclasses, models, enums, named tuples and plain values; of what cannot be
        taken apart the repr is kept, and it is called opaque.
    :raises OptionError: for an option that cannot be.
    """

    limit: int
    file: Path | None
    max_bytes: int
    registry: TypeRegistry | None

    def __init__(
        self,
        *,
        limit: int = 10_000,
        file: str | os.PathLike[str] | None = None,
        max_bytes: int = 100_000_000,
        registry: TypeRegistry | None = None,
    ) -> None:
        check_options(
            limit=(limit, _LIMIT),
            file=(file, optional(PATH)),
            max_bytes=(max_bytes, at_least(SMALLEST)),
            registry=(registry, optional(instance(TypeRegistry, "a TypeRegistry"))),
        )
        for name, value in (
            ("limit", limit),
            ("file", None if file is None else Path(file)),
            ("max_bytes", max_bytes),
            ("registry", registry),
        ):
            object.__setattr__(self, name, value)

    def attach(self, system: ActorSystem) -> AttachedRecorder:
        """Begin to record a running system; end it with :meth:`AttachedRecorder.detach`.

        :raises SystemStateError: if the system has not started.
        :raises OptionError: if it is no system.
        :raises OSError: if the file cannot be written.
        """
        check_options(system=(system, SYSTEM))
        return AttachedRecorder(self, system)
