"""Where ids come from."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from random import Random

from collections.abc import Callable

__all__ = ["IdSource", "random_ids", "seeded_ids"]

IdSource: TypeAlias = Callable[[], uuid.UUID]
"""Makes a new id, different from all others; any thread."""


def random_ids() -> uuid.UUID:
    """Make ids from the machine's entropy. The default."""
    return uuid.uuid4()


def seeded_ids(random: Random) -> IdSource:
    """Make ids from a random source, so that its seed fixes them."""

    def make() -> uuid.UUID:
        return uuid.UUID(int=random.getrandbits(128), version=4)

    return make
