"""The file of a test that was exported."""

from __future__ import annotations

from pathlib import Path

from dramaturg.protocols._recording_errors import ExportError

__all__ = ["write_test"]


def write_test(target: Path, text: str, *, overwrite: bool) -> None:
    """Write it; one that is there is the user's.

    :raises ExportError: if it is there, or its directory is not.
    :raises OSError: if it cannot be written for another reason.
    """
    if not target.parent.is_dir():
        raise ExportError(
            path=str(target.parent), problem="is no directory", expected="one that is there"
        )
    try:
        file = target.open("w" if overwrite else "x", encoding="utf-8")
    except FileExistsError as error:
        raise ExportError(
            path=str(target), problem="is there already", expected="another path, or overwrite=True"
        ) from error
    with file:
        file.write(text)
