"""Values that many tests draw, and the messages of a little shop that hold them."""

import datetime as dt
import enum
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar, cast
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel, Field

from dramaturg.actors._message import Message, Request

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.StrEnum):
    SMALL = "s"
    LARGE = "l"


class Rank(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Item(Message, name="shop.item"):
    sku: str
    units: int
    price: Decimal


class Bundle(Item, name="shop.bundle"):
    parts: int = 2


class Note(BaseModel, frozen=True):
    """A model that is registered nowhere, and that `Remark` looks just like."""

    text: str


class Remark(BaseModel, frozen=True):
    text: str


class Card(Message):
    kind: Literal["card"] = "card"
    number: str


class Cash(Message):
    kind: Literal["cash"] = "cash"
    number: str


class Page(Message, Generic[T]):
    entries: tuple[T, ...]


@dataclass(frozen=True)
class Point:
    x: int
    y: int


class Tick(Message):
    number: int


class Reserved(Message, name="shop.reserved"):
    units: int


class Reserve(Request[Reserved], name="shop.reserve", version=3):
    sku: str
    units: int


class Order(Message, name="shop.order"):
    """Typed fields only: no value needs to say what it is."""

    id: UUID
    at: dt.datetime
    day: dt.date
    hour: dt.time
    lasts: dt.timedelta
    total: Decimal
    weight: float
    units: int
    paid: bool
    who: str
    blob: bytes
    colour: Colour
    size: Size
    rank: Rank
    items: list[Item]
    best: Item | None
    by_id: dict[UUID, Item]
    tags: dict[Colour, tuple[str, int]]
    numbers: dict[int, frozenset[int]]


class Mixed(Message, name="shop.mixed"):
    """Unions whose members look alike once they are text, and fields that take anything."""

    number: int | str
    amount: Decimal | float | int
    key: UUID | str
    when: dt.datetime | dt.date | str
    span: dt.timedelta | float | str
    raw: bytes | str
    flag: bool | int
    size: str | Size
    rank: int | Rank
    row: list[int] | tuple[int, ...] | frozenset[int]
    pay: Annotated[Card | Cash, Field(discriminator="kind")]
    note: Note | Remark
    item: Item
    items: frozenset[Item]
    first: dict[Item, Item]
    page: Page[Item] | None
    anything: Any


class Anything(Message):
    value: Any


_text = st.text(max_size=8)
_fixed = st.timedeltas(
    dt.timedelta(hours=-23, minutes=-59), dt.timedelta(hours=23, minutes=59)
).map(dt.timezone)
_zones = st.none() | st.just(dt.UTC) | _fixed | st.timezones()


@st.composite
def _datetimes(draw: st.DrawFn) -> dt.datetime:
    value = draw(st.datetimes())
    return value.replace(tzinfo=draw(_zones), fold=draw(st.integers(0, 1)))


@st.composite
def _times(draw: st.DrawFn) -> dt.time:
    return draw(st.times()).replace(tzinfo=draw(_zones), fold=draw(st.integers(0, 1)))


@st.composite
def _long_decimals(draw: st.DrawFn) -> Decimal:
    return Decimal(f"{draw(st.integers())}E{draw(st.integers(-6176, 6111))}")


datetimes = _datetimes()
times = _times()
decimals = (
    st.decimals(allow_nan=False, allow_infinity=False)
    | _long_decimals()
    | st.sampled_from([Decimal("-0"), Decimal("1E+999999"), Decimal("1.10"), Decimal("1E-999999")])
)
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers() | st.integers(-(2**200), 2**200)

items = st.builds(Item, sku=_text, units=integers, price=decimals)
bundles = st.builds(Bundle, sku=_text, units=integers, price=decimals, parts=integers)
some_items = items | bundles

orders = st.builds(
    Order,
    at=datetimes,
    hour=times,
    total=decimals,
    weight=floats,
    units=integers,
    items=st.lists(some_items, max_size=3),
    best=st.none() | some_items,
    by_id=st.dictionaries(st.uuids(), some_items, max_size=2),
    tags=st.dictionaries(st.sampled_from(Colour), st.tuples(_text, integers)),
    numbers=st.dictionaries(integers, st.frozensets(integers, max_size=3), max_size=3),
)

hashables = st.deferred(
    lambda: st.one_of(
        *(st.none(), st.booleans(), integers, floats, st.text(max_size=5), st.binary(max_size=5)),
        *(datetimes, st.dates(), times, st.timedeltas(), st.uuids(), decimals),
        *(st.sampled_from(Colour), st.sampled_from(Size), st.sampled_from(Rank)),
        *(some_items, st.builds(Point, integers, integers)),
    )
)
plain_values = st.recursive(
    hashables,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(hashables, max_size=3),
        st.frozensets(hashables, max_size=3),
        st.dictionaries(hashables, inner, max_size=3),
        st.builds(Anything, value=inner),
    ),
    max_leaves=12,
)

mixed = st.builds(
    Mixed,
    number=integers | st.integers().map(str),
    amount=decimals | floats | integers,
    key=st.uuids() | st.uuids().map(str),
    when=datetimes | st.dates() | st.datetimes().map(str),
    span=st.timedeltas() | floats | st.just("P1D"),
    raw=st.binary(max_size=5) | st.text(max_size=5),
    flag=st.booleans() | integers,
    size=st.sampled_from(Size) | st.sampled_from(["s", "l", "m"]),
    rank=st.sampled_from(Rank) | integers,
    row=st.lists(integers, max_size=3)
    | st.lists(integers, max_size=3).map(tuple)
    | st.frozensets(integers, max_size=3),
    pay=st.builds(Card, number=_text) | st.builds(Cash, number=_text),
    note=st.builds(Note, text=_text) | st.builds(Remark, text=_text),
    item=some_items,
    items=st.frozensets(some_items, max_size=3),
    first=st.dictionaries(some_items, some_items, max_size=2),
    page=st.none() | st.builds(Page[Item], entries=st.lists(some_items, max_size=2).map(tuple)),
    anything=plain_values,
)


def exactly(value: Any) -> Hashable:
    """Return something that is equal only for values that are the same in type and in detail."""
    return type(value).__qualname__, *_details(value)


def _details(value: Any) -> Iterable[Hashable]:
    if isinstance(value, BaseModel):
        return ((name, exactly(each)) for name, each in value)
    if isinstance(value, Point):
        return exactly(value.x), exactly(value.y)
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)
        return ((exactly(key), exactly(each)) for key, each in pairs.items())
    if isinstance(value, list | tuple):
        return map(exactly, cast("Iterable[object]", value))
    if isinstance(value, set | frozenset):
        return (frozenset(map(exactly, cast("Iterable[object]", value))),)
    zone = getattr(value, "tzinfo", None)
    return str(value), repr(value), getattr(value, "fold", 0), getattr(zone, "key", "fixed")
