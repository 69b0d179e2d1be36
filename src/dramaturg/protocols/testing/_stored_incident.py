"""Incidents that a journal shows: what an actor or an instance had stored, as a test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

from dramaturg.actors import ActorRef, Codec, SqliteJournal
from dramaturg.protocols._borders import BOOL, PATH, TEXT, at_least, check_options, optional
from dramaturg.protocols._recording_errors import RecordingError
from dramaturg.protocols._recording_messages import recorded_ref
from dramaturg.protocols._recording_test import write_test
from dramaturg.protocols.testing._incident_places import located
from dramaturg.protocols.testing._stored_replay import (
    OWNER,
    Happened,
    StoredOwner,
    StoredRun,
    registry_of,
    replay_stored,
    stored_id,
)
from dramaturg.protocols.testing._stored_source import Wanted, source_of
from dramaturg.protocols.workflows import Workflow
from dramaturg.protocols.workflows._records import Ended, Failed

if TYPE_CHECKING:
    import os

    from dramaturg.actors.journal import StoredEvent

__all__ = ["StoredIncident"]

Found = TypeVar("Found")


@final
@dataclass(frozen=True, slots=True)
class StoredIncident:
    """What a journal holds of one actor, or of one instance of a workflow.

    ::

        incident = StoredIncident.load("bank.db", "account-ann", "bank:Account")
        print(incident.replay(asks=[Withdraw(cents=30)]))
        incident.to_test("test_incident.py", asks=[Withdraw(cents=30)], holds="bank:not_negative")

    :param file: the journal's.
    :param name: the persistence id; of a workflow the id of the instance.
    :param place: where its owner can be imported: "package.module:name".
    :param events: as they are stored, the oldest first.
    :param after: the sequence number before the first of these; others were deleted.
    :param state: the snapshot in their place.
    :param ended: the status with which the instance has ended, if it has.
    :param is_cut: whether these are only the events before that failed.
    """

    file: str
    name: str
    place: str
    owner: StoredOwner
    events: tuple[Happened, ...]
    after: int = 0
    state: bytes | None = None
    ended: str | None = None
    is_cut: bool = False

    @classmethod
    def load(
        cls,
        file: str | os.PathLike[str],
        name: str,
        owner: str | type[Any],
        *,
        upto: int | None = None,
    ) -> StoredIncident:
        """Read what a journal holds under one id; it may be in use.

        :param file: of a :class:`SqliteJournal`.
        :param name: the persistence id; of a workflow the id of the instance.
        :param owner: who wrote it: a class of event-sourced actors, or "package.module:name" of
            one, or of a workflow.
        :param upto: the sequence number of the last event to read. By default all are; but
            of an instance that has failed only those before its last failure, so that it can
            be seen to fail again.
        :raises RecordingError: if there is nothing, or the owner is none that can be imported.
        :raises OptionError: for an option of another type.
        :raises JournalError: if the file cannot be read.
        """
        check_options(file=(file, PATH), name=(name, TEXT), upto=(upto, optional(at_least(1))))
        place, found = located("owner", owner)
        if not OWNER.fits(found):
            raise RecordingError(thing=f"owner {place}", problem=f"it is not {OWNER.expected}")
        persistence_id = stored_id(found, name)
        stored, after, state = _in_thread(lambda: _read(Path(file), persistence_id, upto))
        ended, is_cut = None, False
        if isinstance(found, Workflow) and upto is None:
            ended, last = _before_the_end(stored, codec_of(found))
            stored, is_cut = stored[:last], last < len(stored)
        events = tuple(Happened(each.time, each.payload) for each in stored)
        return cls(str(file), name, place, found, events, after, state, ended, is_cut)

    def replay(
        self, *, asks: Sequence[Any] = (), setup: str | Callable[..., Any] | None = None
    ) -> StoredRun:
        """Run it again at once; see :func:`replay_stored`.

        :raises RecordingError: if the setup cannot be imported.
        :raises ScenarioError: as :func:`replay_stored` does.
        """
        prepared = None if setup is None else located("setup", setup)[1]
        return replay_stored(
            self.owner,
            self.name,
            self.events,
            state=self.state,
            after=self.after,
            asks=asks,
            setup=prepared,
        )

    def to_test(
        self,
        path: str | os.PathLike[str],
        *,
        asks: Sequence[Any] = (),
        holds: str | Callable[[Any], object] | None = None,
        setup: str | Callable[..., Any] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a test that recovers it again, and goes on.

        The file holds the events, recovers the actor or the instance from them in a simulation,
        with the user's own class or workflow, sends what is asked, and looks at the outcome. If
        that is an error, or an instance that has not succeeded, the test fails as long as it
        is; so it does as long as ``holds`` does not hold. Anything else it expects to
        stay as it is. To know the outcome an actor is run once here, too.

        :param asks: what the actor is sent then.
        :param holds: what has to hold in the end, a function of the state; itself, or as
            "package.module:function".
        :param setup: spawns the actors, a function of the ``Simulation``; as ``holds``. By
            default the actor alone is there, made without arguments.
        :param overwrite: whether a file that is there may be replaced.
        :returns: where it was written.
        :raises RecordingError: if a message cannot be written down, or a function cannot be
            imported.
        :raises OptionError: for an option of another type.
        :raises ScenarioError: as :func:`replay_stored` does.
        :raises ExportError: if the file is there already, or its directory is not.
        :raises OSError: if it cannot be written for another reason.
        """
        check_options(path=(path, PATH), overwrite=(overwrite, BOOL))
        wanted = Wanted(
            asks=tuple(asks),
            holds=None if holds is None else located("holds", holds)[0],
            setup=None if setup is None else located("setup", setup)[0],
        )
        again: StoredRun | None = None
        if not isinstance(self.owner, Workflow):
            again = self.replay(asks=asks, setup=setup)
        target = Path(path)
        text = source_of(self, wanted, again, codec_of(self.owner))
        write_test(target, text, overwrite=overwrite)
        return target


def codec_of(owner: StoredOwner) -> Codec:
    """Return what reads the stored types, away from any system."""
    return Codec(registry_of(owner), ref_type=ActorRef, load_ref=recorded_ref)


async def _read(
    file: Path, persistence_id: str, upto: int | None
) -> tuple[list[StoredEvent], int, bytes | None]:
    async with SqliteJournal(file, read_only=True) as journal:
        head = await journal.head(persistence_id)
        last = head.sequence if upto is None else upto
        if not head.sequence or last > head.sequence:
            problem = f"it holds {head.sequence} events under {persistence_id!r}"
            raise RecordingError(thing=str(file), problem=problem)
        if head.oldest == 1:
            events = [each async for each in journal.read(persistence_id)]
            return events[:last], 0, None
        for kept in head.snapshots:
            if head.oldest - 1 <= kept.sequence <= last:
                read = journal.read(persistence_id, after=kept.sequence)
                events = [each async for each in read]
                return events[: last - kept.sequence], kept.sequence, kept.payload
        raise RecordingError(
            thing=f"{file}: {persistence_id!r}",
            problem=f"the events before {head.oldest} were deleted, and no snapshot is as old",
        )


def _before_the_end(stored: list[StoredEvent], codec: Codec) -> tuple[str | None, int]:
    """Return how an instance has ended, and how many of its records to keep.

    Of one that has not succeeded that is all before the failure that decided about it.
    """
    records: list[Any] = [codec.decode(each.payload, object) for each in stored]
    ended = next((each for each in reversed(records) if isinstance(each, Ended)), None)
    if ended is None or ended.status in ("completed", "cancelled"):
        return None if ended is None else ended.status, len(records)
    stuck = ended.stuck[0] if ended.stuck else None
    for number, record in reversed([*enumerate(records)]):
        if not isinstance(record, Failed) or record.retry_at is not None:
            continue
        if record.address == stuck or (stuck is None and "!" not in record.address):
            return ended.status, number
    return ended.status, len(records)


def _in_thread(call: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
    """Run a coroutine on a loop of its own: whoever calls may have one."""
    found: list[Found] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(asyncio.run(call()))
        except BaseException as error:  # noqa: BLE001 - raised where it was called
            failed.append(error)

    thread = threading.Thread(target=work, name="dramaturg-stored-incident")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]
