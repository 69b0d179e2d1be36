"""The file that the purchases come from."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from examples.storefront.parsing import Batch, read_purchases

SAMPLE: Final = Path(__file__).parents[1] / "storefront" / "data" / "CDNOW_sample.txt"

MASTER_COLUMNS: Final = 4


class UnusableFileError(Exception):
    """A file named by the user cannot be used; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a file holds, sorted into good and bad lines."""

    data: bytes
    limit: int | None
    batch: Batch

    @property
    def fingerprint(self) -> str:
        """Tell this source from others."""
        return hashlib.sha256(self.data + f"{self.limit}".encode()).hexdigest()


def read_source(path: Path, limit: int | None) -> Source:
    """Read a file, packed or not, in the format of the sample or of the master file.

    :raises UnusableFileError: it cannot be read, or holds no purchase.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise UnusableFileError(f"cannot read {path}: {error}") from error
    is_master = len(data.partition(b"\n")[0].split()) == MASTER_COLUMNS
    batch = read_purchases(data, limit=limit, is_master=is_master)
    if not batch.purchases:
        raise UnusableFileError(f"{path} holds no purchase")
    return Source(data, limit, batch)
