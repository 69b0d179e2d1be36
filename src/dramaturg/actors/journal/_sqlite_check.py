"""Looking through a whole journal file for damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dramaturg.actors.journal._errors import JournalDamaged
from dramaturg.actors.journal._sqlite_file import check_sum

if TYPE_CHECKING:
    import sqlite3

__all__ = ["check_all"]


def check_all(db: sqlite3.Connection, path: str) -> None:
    """Check SQLite's own structure and each row's checksum.

    :raises JournalDamaged: at the first thing that is wrong.
    """
    found = db.execute("pragma integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise JournalDamaged(journal=path, place="the file", detail=str(found))
    for table, columns in _TABLES.items():
        rows = db.execute(f"select checksum, stream, sequence, {columns} from {table}")  # noqa: S608 - ours
        for checksum, stream, sequence, time, payload, cause in rows:
            content = payload.encode() if isinstance(payload, str) else payload
            if checksum != check_sum(stream, sequence, time, content, cause):
                raise JournalDamaged(
                    journal=path,
                    place=f"{table}, stream {stream}, sequence number {sequence}",
                    detail="its checksum does not fit",
                )


_TABLES = {
    "events": "time, payload, cause",
    "snapshots": "time, payload, null",
    "tags": "position, tag, null",
}
