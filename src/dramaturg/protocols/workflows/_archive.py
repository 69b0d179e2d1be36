"""An instance that has ended, as its records tell it: no definition is needed for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dramaturg.protocols.workflows._errors import (
    WorkflowChanged,
    WorkflowIdConflict,
)
from dramaturg.protocols.workflows._history import History, HistoryEntry, entry_of
from dramaturg.protocols.workflows._messages import Find, GetHistory, GetStatus, Resolve, Start
from dramaturg.protocols.workflows._records import (
    Begun,
    CancelRequested,
    Ended,
    Failed,
    Migrated,
    Resolved,
    Succeeded,
)
from dramaturg.protocols.workflows._view import InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dramaturg.actors import Codec
    from dramaturg.actors.journal import Journal
    from dramaturg.protocols.workflows._family import Family

__all__ = ["Archive", "differ", "end_of", "read_history"]


@final
class Archive:
    """What can be told of an instance that has ended.

    :param records: all of them; the last end among them holds.
    """

    def __init__(self, family: Family, instance: str, records: Sequence[Any], ended: Ended) -> None:
        self._family = family
        self._instance = instance
        self._records = records
        self.ended = ended

    @classmethod
    async def read(
        cls, journal: Journal, codec: Codec, family: Family, instance: str
    ) -> Archive | None:
        """Read an instance, whoever writes it; None if it has not ended.

        :raises JournalError: if it cannot be read.
        :raises CodecError: if a type is not known.
        """
        key = family.persistence_id(instance)
        records = [codec.decode(each.payload, object) async for each in journal.read(key)]
        ended = end_of(records)
        return None if ended is None else cls(family, instance, records, ended)

    async def answer(self, request: Any, journal: Journal, codec: Codec) -> Any:
        """Answer a request about it, as its coordinator would."""
        match request:
            case Start():
                return self._attach(request.input, codec)
            case Find():
                return self._instance
            case GetStatus():
                return self._status()
            case GetHistory():
                return await read_history(journal, codec, self._family, self._instance)
            case Resolve() if request.address in self.ended.stuck:
                return self.changed()
            case _:  # an event, a cancel, a migration: it has ended
                return False

    def changed(self) -> WorkflowChanged:
        """Make the error for what needs its definition."""
        return WorkflowChanged(
            workflow=self._family.name,
            version=self._mark.definition,
            instances=(self._instance,),
        )

    @property
    def _mark(self) -> Begun | Migrated:
        return next(e for e in reversed(self._records) if isinstance(e, Begun | Migrated))

    def _attach(self, value: Any, codec: Codec) -> Any:
        begun = next(each for each in self._records if isinstance(each, Begun))
        if differ(codec, begun.input, value):
            return WorkflowIdConflict(workflow=self._family.name, instance=self._instance)
        return self._instance

    def _status(self) -> InstanceStatus:
        failed = {each.address: each.error for each in self._records if isinstance(each, Failed)}
        done = [each for each in self._records if isinstance(each, Succeeded)]
        return InstanceStatus(
            workflow=self._family.name,
            instance=self._instance,
            version=self._mark.definition,
            status=self.ended.status,
            running=(),
            waiting=(),
            results={each.address: each.value for each in done},
            stuck={each: failed[each] for each in self.ended.stuck if each in failed},
            result=self.ended.value,
            error=self.ended.error,
        )


def end_of(records: Iterable[Any]) -> Ended | None:
    """Return the end that records tell, if nothing has revoked it."""
    ended: Ended | None = None
    for each in records:
        if isinstance(each, Ended):
            ended = each
        elif isinstance(each, Resolved | CancelRequested):
            ended = None
    return ended


def differ(codec: Codec, one: Any, other: Any) -> bool:
    """Tell whether two inputs are not the same."""
    # What is not equal to itself may yet be the same, and 1 is not True.
    return codec.encode_value(one) != codec.encode_value(other)


async def read_history(
    journal: Journal,
    codec: Codec,
    family: Family,
    instance: str,
    labels: Mapping[str, str] | None = None,
) -> History:
    """Read what has happened in an instance.

    :param labels: who does what, by the name of the step, where that is known.
    """
    entries: list[HistoryEntry] = []
    async for stored in journal.read(family.persistence_id(instance)):
        record: Any = codec.decode(stored.payload, object)
        entries.append(entry_of(stored.sequence, stored.time, record, stored.cause))
    return History(family.name, instance, tuple(entries), labels or {})
