"""What type checkers must infer from messages. Compiled by them, never run."""

from typing import Generic, TypeVar, assert_type

from dramaturg.actors._codec import Codec
from dramaturg.actors._message import Message, Request
from dramaturg.actors._registry import TypeRegistry
from dramaturg.actors._upcaster import Upcaster, upcaster

R = TypeVar("R")


class Reserved(Message, name="shop.reserved", version=2):
    units: int


class Reserve(Request[Reserved], name="shop.reserve"):
    sku: str


class Cancel(Request[None]):
    sku: str


class Find(Request[Reserved | None]):
    sku: str


class Page(Message, Generic[R]):
    entries: tuple[R, ...]


class Query(Request[Page[R]], Generic[R]):
    limit: int


class FindReserved(Query[Reserved]):
    pass


class Again(Reserve):
    pass


def request(message: Request[R]) -> R:
    raise NotImplementedError(message)


assert_type(request(Reserve(sku="a")), Reserved)
assert_type(request(Again(sku="a")), Reserved)
assert_type(request(Cancel(sku="a")), None)
assert_type(request(Find(sku="a")), Reserved | None)
assert_type(request(Query[int](limit=1)), Page[int])
assert_type(request(FindReserved(limit=1)), Page[Reserved])
assert_type(Page[int](entries=(1,)).entries, tuple[int, ...])

# A request that promises a narrower reply stands in for one that promises a wider reply.
wider: Request[Reserved | None] = Reserve(sku="a")

request(Reserved(units=1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Reserve(sku=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Reserve()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


class Numbered(Message, version="2"):  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]
    pass


@upcaster("shop.reserved", from_version=1)
def _renamed(fields: dict[str, object]) -> dict[str, object]:
    return fields


assert_type(_renamed, Upcaster)

codec = Codec(TypeRegistry(Reserve, Reserved, _renamed))
assert_type(codec.encode(Reserve(sku="a")), bytes)
assert_type(codec.decode(b""), Message)
assert_type(codec.decode(b"", Reserve), Reserve)
