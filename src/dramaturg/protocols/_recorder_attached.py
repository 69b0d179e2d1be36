"""A recorder at work: from what goes through the actors' doors to entries."""

from __future__ import annotations

import threading
from collections import deque
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, final

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorRestarted,
    ActorStarted,
    ActorStopping,
    DeadLettered,
    LifecycleEvent,
    SystemEnded,
)
from dramaturg.actors._msgpack import pack
from dramaturg.actors._tap import Passing
from dramaturg.protocols._attachment import Attachment
from dramaturg.protocols._recording import Recording, entry_of
from dramaturg.protocols._recording_entry import EntryKind
from dramaturg.protocols._recording_file import RecordingFile
from dramaturg.protocols._recording_messages import MessageForms

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from dramaturg.actors import ActorSystem
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols._recorder import Recorder

__all__ = ["AttachedRecorder", "RecorderStatistics"]

Note: TypeAlias = "tuple[int, EntryKind, float, Passing, str, str]"
"""What is kept at once, and made an entry of when somebody reads: a message costs less so."""


@final
class RecorderStatistics(NamedTuple):
    """What a recorder has recorded.

    :param entries: all that were recorded, those included that have made room since.
    :param failures: entries that were lost since they could not be written.
    :param rotations: how often the file became the older one.
    """

    entries: int
    failures: int
    rotations: int


@final
class AttachedRecorder:
    """A recorder that looks at a system; made by :meth:`Recorder.attach`. Any thread.

    Leaving a ``with`` block detaches it, as does the end of the system.
    """

    def __init__(self, recorder: Recorder, system: ActorSystem) -> None:
        self._attachment = Attachment(system, self, lambda _: True)
        self.recorder = recorder
        self.system = system
        self.began: datetime = system.clock.time()
        self._zero = system.now()
        self._now = system.now
        self._numbers = count()
        self._failures = self._written = self._rotations = 0
        self._sent: set[UUID] = set()
        self._forms = MessageForms(recorder.registry)
        self._lock = threading.RLock()
        self._notes: deque[Note] = deque(maxlen=recorder.limit)
        self._file = self._open()
        self._keep: Callable[[Note], object] = (
            self._notes.append if self._file is None else self._write
        )
        self._attached = True
        subscribe = self._attachment.subscribe
        subscribe(self._started, ActorStarted, ActorRestarted)
        subscribe(self._failed, ActorFailed)
        subscribe(self._event, ActorStopping, ActorEnded, DeadLettered)
        subscribe(lambda _: self.detach(), SystemEnded)
        self._attachment.begin()

    def _open(self) -> RecordingFile | None:
        recorder = self.recorder
        if recorder.file is None:
            return None
        head = {
            "system": self.system.name,
            "began": self.began.isoformat(),
            "life": self.system.ids().hex,
        }
        return RecordingFile(recorder.file, recorder.max_bytes, head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.detach()

    def __repr__(self) -> str:
        state = "attached" if self._attached else "detached"
        return f"<AttachedRecorder {state} {self.statistics()}>"

    # -- for users

    def detach(self) -> None:
        """Record no more, and close the file; doing so twice is harmless."""
        with self._lock:
            if not self._attached:
                return
            self._attached = False
        self._attachment.end()
        with self._lock:
            if self._file is not None:
                self._file.close()

    def recording(self) -> Recording:
        """Return what was recorded so far; at any time, also when it is detached.

        :raises OSError: if there is a file and it cannot be read.
        """
        if self._file is not None:
            with self._lock:
                return Recording.load(self._file.path, registry=self.recorder.registry)
        notes = sorted(self._notes.copy(), key=lambda note: note[0])
        return Recording(
            [entry_of(self._stored(note), self._forms) for note in notes],
            system=self.system.name,
            began=self.began,
            dropped=notes[0][0] if notes else 0,
        )

    def statistics(self) -> RecorderStatistics:
        """Count what was recorded."""
        if self._file is not None:
            return RecorderStatistics(self._written, self._failures, self._file.rotations)
        notes = self._notes
        return RecorderStatistics(notes[-1][0] + 1 if notes else 0, 0, 0)

    # -- what comes in

    def sent(self, passing: Passing) -> None:
        """See a message when it is sent; the runtime calls it."""
        kind: EntryKind = "sent"
        if passing.request is not None:
            kind = "error" if isinstance(passing.message, BaseException) else "reply"
        self._keep((next(self._numbers), kind, self._now(), passing, "", ""))

    def received(self, passing: Passing) -> None:
        """See a message when it is taken up; the runtime calls it."""
        if passing.request is None:  # a reply was seen when it was given
            self._keep((next(self._numbers), "received", self._now(), passing, "", ""))

    def watched(self, watcher: ActorRef[Any], target: ActorRef[Any], begun: bool) -> None:  # noqa: FBT001 - the protocol's
        """See a death watch begin or end; the runtime calls it."""
        passing = Passing(None, watcher, target, None)
        kind: EntryKind = "watch" if begun else "unwatch"
        self._keep((next(self._numbers), kind, self._now(), passing, "", ""))

    def spawned(self, cell: Cell) -> None:
        """See an actor before it is sent anything; the runtime calls it."""
        self._attachment.meet(cell)

    def _started(self, event: ActorStarted | ActorRestarted) -> None:
        self._of_actor("started" if isinstance(event, ActorStarted) else "restarted", event)

    def _failed(self, event: ActorFailed) -> None:
        error = event.error
        detail = f"{error} ({event.phase}, {event.decision})"
        self._of_actor("failed", event, type(error).__name__, detail)

    def _event(self, event: ActorStopping | ActorEnded | DeadLettered) -> None:
        kind: EntryKind = "dead letter"
        if not isinstance(event, DeadLettered):
            kind = "stopping" if isinstance(event, ActorStopping) else "ended"
        self._of_actor(kind, event, "", str(event.reason))

    def _of_actor(
        self, kind: EntryKind, event: LifecycleEvent, error: str = "", detail: str = ""
    ) -> None:
        passing = Passing(None, None, _At(event.path), None)  # type: ignore[arg-type]
        self._keep((next(self._numbers), kind, self._now(), passing, error, detail))

    # -- what is kept

    def _write(self, note: Note) -> None:
        try:
            with self._lock:
                file = self._file
                if self._attached and file is not None:
                    file.write(self._packed(note, file))
                    self._written += 1
                    if file.rotations != self._rotations:
                        self._rotations = file.rotations
                        self._sent.clear()
        except Exception as error:  # noqa: BLE001 - who looks on must not disturb
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        if self._failures == 1:
            self.system.log.error("recorder_failed", exc_info=error)

    def _packed(self, note: Note, file: RecordingFile) -> bytes:
        try:
            payload = pack(self._stored(note, known=self._is_known(note)))
            problem = "" if file.fits(payload) else "it is larger than the file may be"
        except (ValueError, TypeError, OverflowError) as error:
            payload, problem = b"", str(error)
        if problem:
            opaque = self._forms.opaque(note[3].message, problem)
            payload = pack(self._stored(note, message=opaque))
        return payload

    def _is_known(self, note: Note) -> bool:
        """Tell whether the file has the message already, since it holds when it was sent."""
        _, kind, _, passing, _, _ = note
        if passing.headers is None:
            return False
        message_id = passing.headers.message_id
        if kind == "sent":
            self._sent.add(message_id)
        elif kind == "received" and message_id in self._sent:
            self._sent.remove(message_id)
            return True
        return False

    def _stored(
        self, note: Note, *, message: list[Any] | None = None, known: bool = False
    ) -> list[Any]:
        number, kind, when, passing, error, detail = note
        if message is None and not known and kind in _WITH_MESSAGE:
            message = self._forms.dump(passing.message)
        headers = passing.headers
        ids = (None, None, None) if headers is None else headers[:3]
        return [
            number,
            kind,
            when - self._zero,
            _path(passing.sender),
            _path(passing.receiver),
            message,
            [None if each is None else each.bytes for each in ids],
            error or (type(passing.message).__name__ if kind == "error" else ""),
            detail,
        ]


_WITH_MESSAGE = frozenset({"sent", "received", "reply", "error"})


class _At(NamedTuple):
    """Stands for an actor of which only the path is known."""

    path: str


def _path(ref: ActorRef[Any] | None) -> str | None:
    return None if ref is None else ref.path
