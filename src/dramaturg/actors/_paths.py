"""Names and paths of actors."""

from __future__ import annotations

from dramaturg.actors._errors import InvalidNameError

__all__ = ["check_name", "split_path"]

LONGEST_NAME = 255


def check_name(name: object) -> str:
    """Check a name that a user gave.

    :raises InvalidNameError: unless it is 1 to 255 printable characters without
        slash or blank, and neither "." nor "..".
    """
    if (
        not isinstance(name, str)
        or not 1 <= len(name) <= LONGEST_NAME
        or name in (".", "..")
        or "/" in name
        or not name.isprintable()
        or " " in name
    ):
        raise InvalidNameError(name=name)
    return name


def split_path(path: str) -> list[str] | None:
    """Split "/shop/pricing" into its names; None if it is no path."""
    if not path.startswith("/"):
        return None
    return [] if path == "/" else path[1:].split("/")
