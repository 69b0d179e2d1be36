"""A codec for the messages of the little shop, and how to make others."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from dramaturg.actors._codec import Codec
from dramaturg.actors._message import Message
from dramaturg.actors._registry import TypeRegistry
from dramaturg.actors._upcaster import Upcaster
from tests.strategies import (
    Anything,
    Bundle,
    Colour,
    Item,
    Mixed,
    Order,
    Page,
    Point,
    Rank,
    Reserve,
    Size,
    Tick,
)

REGISTRY = TypeRegistry(
    *(Order, Mixed, Bundle, Anything, Tick, Reserve, Page[Item], Point, Colour, Size, Rank)
)
CODEC = Codec(REGISTRY)

ITEM = Item(sku="a", units=1, price=Decimal("1.10"))
BUNDLE = Bundle(sku="a", units=1, price=Decimal("1.10"))


def there_and_back(message: Message, codec: Codec = CODEC) -> Any:
    return codec.decode(codec.encode(message))


def codec_for(*entries: Any) -> Codec:
    return Codec(TypeRegistry(*entries))


class OldReserve(Message, name="shop.reserve", version=1):
    sku: str
    count: int


def set_of(member: Any) -> frozenset[Any]:
    return frozenset({member})


def rename(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda fields: {(new if key == old else key): each for key, each in fields.items()}


SAME = Upcaster("shop.reserve", 2, dict)
