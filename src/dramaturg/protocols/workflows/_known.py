"""What the engine finds out about an instance before it has a coordinator."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dramaturg.actors import DramaturgError, JournalError
from dramaturg.protocols.workflows._records import Begun, Migrated

if TYPE_CHECKING:
    from dramaturg.actors import Codec
    from dramaturg.actors.journal import Journal
    from dramaturg.protocols.workflows._family import Family

__all__ = ["fits", "name_of"]

_LONGEST = 200


async def fits(journal: Journal, codec: Codec, family: Family, persistence_id: str) -> bool:
    """Tell whether the definition is known with which an instance goes on.

    :raises JournalError: if it cannot be read.
    """
    begun: Any = None
    try:
        for first in await journal.page(persistence_id, 0, 1):
            begun = codec.decode(first.payload, object)
        if not isinstance(begun, Begun) or _is_known(family, begun):
            return True
        records = [
            codec.decode(each.payload, object) async for each in journal.read(persistence_id)
        ]
    except JournalError:
        raise
    except DramaturgError:
        # It cannot be read: its own coordinator will say so, and all others go on.
        return True
    moved = [each for each in records if isinstance(each, Migrated)]
    return bool(moved) and _is_known(family, moved[-1])


def _is_known(family: Family, mark: Begun | Migrated) -> bool:
    found = family.versions.get(mark.definition)
    return found is not None and found.fingerprint == mark.fingerprint


def name_of(workflow: str, instance: str) -> str:
    """Return the name of the actor for an instance."""
    name = f"{quote(workflow, safe='')}:{quote(instance, safe='')}"
    if len(name) > _LONGEST:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        name = f"{name[: _LONGEST - 20]}...{digest}"
    return name
