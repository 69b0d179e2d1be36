"""What was recorded of a system's messages, to read, to draw and to make a test of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, final, overload
from uuid import UUID

from dramaturg.actors import TypeRegistry
from dramaturg.protocols._borders import (
    BOOL,
    NUMBER,
    PATH,
    TEXT,
    Kind,
    check_options,
    instance,
    optional,
)
from dramaturg.protocols._recording_diagram import drawn_as_mermaid, drawn_as_text
from dramaturg.protocols._recording_entry import RecordedMessage, RecordingEntry
from dramaturg.protocols._recording_errors import RecordingError
from dramaturg.protocols._recording_file import Stored, older, read_file
from dramaturg.protocols._recording_messages import MessageForms
from dramaturg.protocols._recording_test import write_test

if TYPE_CHECKING:
    import os

    from dramaturg.protocols.testing import Faults

__all__ = ["Recording", "entry_of"]

NOT_HERE = RecordedMessage(
    "opaque", "builtins:object", "...", problem="it is in the entry of its sending, which is gone"
)


_PLACE = Kind(
    lambda value: callable(value) or isinstance(value, str),
    'a function, or "package.module:function"',
)
_REGISTRY = optional(instance(TypeRegistry, "a TypeRegistry"))


@final
class Recording(Sequence[RecordingEntry]):
    """Entries in the order in which they happened; a value.

    ``system`` is the name of the system, ``began`` when the recorder was attached. ``dropped``
    counts the entries that had to make room before the first one that is here. ``torn`` is the
    number of bytes at the end of a file that are no whole record: what a kill has cut short.
    """

    __slots__ = ("began", "dropped", "entries", "system", "torn")

    def __init__(
        self,
        entries: Sequence[RecordingEntry],
        *,
        system: str,
        began: datetime,
        dropped: int = 0,
        torn: int = 0,
    ) -> None:
        self.entries = tuple(entries)
        self.system = system
        self.began = began
        self.dropped = dropped
        self.torn = torn

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, registry: TypeRegistry | None = None
    ) -> Recording:
        """Read what a recorder has written, up to the last whole record.

        The older file is read too if it is of the same life of the same system. Nothing is
        imported or run but the types of the registry.

        :param registry: decodes what the codec has stored; without it that is opaque.
        :raises RecordingError: if it is no recording.
        :raises OptionError: for what is no path or no registry.
        :raises OSError: if it cannot be read.
        """
        check_options(path=(path, PATH), registry=(registry, _REGISTRY))
        newest = read_file(Path(path))
        records = newest.records
        before = older(Path(path))
        if before.exists():
            earlier = read_file(before)
            if earlier.head["life"] == newest.head["life"]:
                records = earlier.records + records
        return cls._of(newest, records, MessageForms(registry))

    @classmethod
    def _of(cls, stored: Stored, records: list[list[Any]], forms: MessageForms) -> Recording:
        # Threads may have come to the file in another order than to their numbers.
        entries = sorted((entry_of(each, forms) for each in records), key=lambda each: each.number)
        sent = {each.message_id: each.message for each in entries if each.kind == "sent"}
        entries = [
            replace(each, message=sent.get(each.message_id, NOT_HERE))
            if each.message is None and each.kind == "received"
            else each
            for each in entries
        ]
        return cls(
            entries,
            system=stored.head["system"],
            began=datetime.fromisoformat(stored.head["began"]),
            dropped=entries[0].number if entries else 0,
            torn=stored.torn,
        )

    # -- to read

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[RecordingEntry]:
        return iter(self.entries)

    @overload
    def __getitem__(self, index: int) -> RecordingEntry: ...
    @overload
    def __getitem__(self, index: slice) -> Recording: ...
    def __getitem__(self, index: int | slice) -> RecordingEntry | Recording:
        if isinstance(index, slice):
            return self._with(self.entries[index])
        return self.entries[index]

    def where(
        self,
        *,
        actor: str | None = None,
        since: float | None = None,
        until: float | None = None,
        correlation: UUID | None = None,
    ) -> Recording:
        """Return the entries that fit all that is given.

        :param actor: the path of an actor that has sent or got it, or whom it is about.
        :param since: seconds since the recorder was attached; ``until`` likewise.
        :param correlation: the id of the message from outside that has led to it.
        :raises OptionError: for a value of another type.
        """
        check_options(
            actor=(actor, optional(TEXT)),
            since=(since, optional(NUMBER)),
            until=(until, optional(NUMBER)),
            correlation=(correlation, optional(instance(UUID, "a UUID"))),
        )
        return self._with(
            tuple(
                each
                for each in self.entries
                if (actor is None or each.is_about(actor))
                and (since is None or each.at >= since)
                and (until is None or each.at <= until)
                and (correlation is None or each.correlation_id == correlation)
            )
        )

    def _with(self, entries: Sequence[RecordingEntry]) -> Recording:
        return Recording(
            entries,
            system=self.system,
            began=self.began,
            dropped=self.dropped,
            torn=self.torn,
        )

    # -- to look at

    def diagram(self) -> str:
        """Draw it as text: a line for each message taken up, each reply and each failure."""
        return drawn_as_text(self.entries)

    def mermaid(self) -> str:
        """Draw it as a ``sequenceDiagram`` for Mermaid."""
        return drawn_as_mermaid(self.entries)

    def __str__(self) -> str:
        lines = [f"{self.system}, recorded from {self.began.isoformat()}: {len(self)} entries"]
        if self.dropped:
            lines.append(f"{self.dropped} earlier entries had to make room")
        if self.torn:
            lines.append(f"the last record was cut short: {self.torn} bytes are ignored")
        return "\n".join([*lines, *map(str, self.entries)])

    def __repr__(self) -> str:
        return f"<Recording of {self.system}: {len(self)} entries>"

    # -- to make a test of

    def to_test(
        self,
        path: str | os.PathLike[str],
        scenario: str | Callable[..., Any],
        *,
        around: RecordingEntry | None = None,
        faults: Faults | None = None,
        at_rest: str | Callable[[Any], object] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a test that runs the incident again, and fails as long as its bug is there.

        The file sends what came from outside, in its order and at its virtual times, to the
        actors that the scenario spawns in a simulation, and lets messages be delivered in the
        recorded order, then calmly on to the end. It asserts that the actor of the incident does
        not fail with this error, and that what the scenario declares holds.

        :param scenario: spawns the actors, and sends nothing: ``def`` or ``async def``, with the
            ``Simulation`` as argument; itself, or as "package.module:function".
        :param around: the incident, nothing after it is used; default the last failure that is
            not the consequence of another one, or else the last entry.
        :param faults: budgets; recorded failures of actors that they allow to crash are made
            to happen again. All others are expected to follow from the messages.
        :param at_rest: what has to hold in the end, a function of the view; as ``scenario``.
        :param overwrite: whether a file that is there may be replaced.
        :returns: where it was written.
        :raises RecordingError: if there is nothing from outside, a message cannot be rebuilt, or
            a function cannot be imported.
        :raises OptionError: for an option of another type.
        :raises ExportError: if the file is there already, or its directory is not.
        :raises OSError: if it cannot be written for another reason.
        """
        from dramaturg.protocols.testing._faults import Faults  # noqa: PLC0415 - the kit's
        from dramaturg.protocols.testing._incident_export import (  # noqa: PLC0415 - the kit's
            Export,
            source_of,
        )

        check_options(
            path=(path, PATH),
            scenario=(scenario, _PLACE),
            faults=(faults, optional(instance(Faults, "Faults(...)"))),
            at_rest=(at_rest, optional(_PLACE)),
            overwrite=(overwrite, BOOL),
        )
        if around is not None and around not in self.entries:
            raise RecordingError(thing=f"around={around}", problem="it is not in the recording")
        target = Path(path)
        wanted = Export(scenario=scenario, around=around, faults=faults, at_rest=at_rest)
        write_test(target, source_of(self, wanted), overwrite=overwrite)
        return target


def entry_of(stored: list[Any], forms: MessageForms) -> RecordingEntry:
    """Return the entry that was stored."""
    number, kind, at, sender, receiver, message, ids, error, detail = stored
    message_id, correlation_id, causation_id = (
        None if each is None else UUID(bytes=each) for each in ids
    )
    return RecordingEntry(
        number=number,
        kind=kind,
        at=at,
        sender=sender,
        receiver=receiver,
        message=None if message is None else forms.load(message),
        message_id=message_id,
        correlation_id=correlation_id,
        causation_id=causation_id,
        error=error,
        detail=detail,
    )
