"""What the durable shop goes by beside the terms of trade; `books` starts from it, too.

Data only: what follows from it is worked out twice, by the actors and by `books`.
"""

from typing import Final

LIMIT_CENTS: Final = 100_00
"""An order that costs this much or more waits for the office."""

MOST_UNITS: Final = 16
"""The office declines what is more than this: somebody wants to sell them again."""

BAD_CARD_EVERY: Final = 97
"""The bank refuses each order whose number is divisible by this."""

BAD_ROAD_EVERY: Final = 211
"""The carrier never says that it has the parcel of an order whose number is divisible by this."""
