"""The terms of trade: numbers that the departments and the plain computation both start from.

Data only. What follows from these numbers is worked out twice, by the departments and by `plain`,
so that the one can check the other.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Band:
    """A shelf: the CDs that cost at least `from_cents` each, and less than the next shelf's."""

    sku: str
    from_cents: int


BANDS: Final = (
    Band("cd-free", 0),
    Band("cd-budget", 1),
    Band("cd-standard", 10_00),
    Band("cd-premium", 15_00),
    Band("cd-boxset", 25_00),
)
"""Every shelf, cheapest first; the first one starts at nothing, so that each price has a shelf."""

STARTING_STOCK: Final = 250
"""CDs on each shelf when the shop opens."""

LOT: Final = 100
"""CDs that the wholesaler delivers at a time.

Inventory buys as few lots as the order at hand needs. So what is bought in the end does not depend
on the order in which customers come.
"""
