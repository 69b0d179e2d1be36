"""Addresses: how actors of other nodes are named, and what stands in for them here.

No two nodes share memory. A message is copied when it leaves, with each ref in it as an
:class:`Address`, and copied again when it arrives, with each address as a ref of that node:
the actor itself if it lives there, else a stand-in whose door leads to the network.
"""

from __future__ import annotations

import contextlib
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NoReturn, final

from dramaturg.actors import Actor
from dramaturg.actors._cell import Cell
from dramaturg.actors._ref import TRANSLATE_REFS, ActorRef
from dramaturg.actors._state import STOPPED
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.testing._simulated_system import SimulatedSystem

__all__ = [
    "Address",
    "FarCell",
    "name_of",
    "nobody_at",
    "packed",
    "packed_error",
    "unpacked",
    "unpacked_error",
]

_TRANSLATE_ADDRESSES = "addresses"


@final
class Address:
    """Where an actor is: "store/ledger" is the actor /ledger on the node store."""

    __slots__ = ("node", "path")

    def __init__(self, node: str, path: str) -> None:
        self.node = node
        self.path = path

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address.

        :raises ScenarioError: if it is none.
        """
        node, slash, rest = text.partition("/") if isinstance(text, str) else ("", "", "")
        if not slash or not rest:
            raise ScenarioError(
                thing=f"ref({text!r})",
                problem="no address",
                expected='one such as "store/ledger", node and path',
            )
        return cls(node, f"/{rest}")

    def __str__(self) -> str:
        return f"{self.node}{self.path}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __deepcopy__(self, memo: Any) -> Any:
        translate = memo.get(_TRANSLATE_ADDRESSES)
        return self if translate is None else translate(self)


class Elsewhere(Actor):
    """An actor of another node."""


@final
class FarCell(Cell):
    """What stands in for an actor of another node; only messages reach that.

    :param door: called with each message.
    """

    __slots__ = ()

    def __init__(self, system: ActorSystem, address: Address, door: Callable[[Any], None]) -> None:
        super().__init__(system, None, address.path.rpartition("/")[2], Elsewhere)
        self.where = str(address)
        self.dispatcher = system.direct
        self.put = door
        self.ref = ActorRef(self)

    def more(self) -> NoReturn:
        self._refuse()

    def signal(self, signal: object, *, here: bool = False) -> NoReturn:  # noqa: ARG002
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ScenarioError(
            thing=self.path,
            problem="lives on another node, where it can be sent messages but not watched or ended",
            expected="a message that asks for it, or a heartbeat",
        )


class Nobody(Actor):
    """Stands where no actor is."""


def nobody_at(system: ActorSystem, path: str) -> Cell:
    """Make what stands where no actor is: as one that has stopped."""
    cell = Cell(system, system.root, path.rpartition("/")[2], Nobody)
    cell.where = path
    cell.dispatcher = system.direct
    cell.state = STOPPED
    cell.put = cell.refuse
    cell.ref = ActorRef(cell)
    return cell


def name_of(cell: Cell) -> str:
    """Return what an actor is called in the names of events."""
    if cell.__class__ is FarCell:
        return cell.path
    system: SimulatedSystem = cell.system  # type: ignore[assignment]
    return f"{system.prefix}{cell.path}"


def packed(value: Any, sender: str) -> Any:
    """Copy what leaves a node.

    :raises ScenarioError: if it cannot be copied.
    """

    def translate(ref: ActorRef[Any]) -> Address:
        node, _, path = name_of(ref.cell).partition("/")
        return Address(node, f"/{path}")

    try:
        return deepcopy(value, {TRANSLATE_REFS: translate})  # type: ignore[dict-item]
    except Exception as error:
        raise ScenarioError(
            thing=sender,
            problem=f"sends {value!r} to another node, which cannot be copied: {error}",
            expected="messages of plain values",
        ) from error


def unpacked(value: Any, translate: Callable[[Address], ActorRef[Any]]) -> Any:
    """Copy what arrives at a node."""
    return deepcopy(value, {_TRANSLATE_ADDRESSES: translate})  # type: ignore[dict-item]


def packed_error(error: BaseException, sender: str) -> BaseException:
    """Copy an error that answers a request, as :func:`packed`, and what it is caused by.

    A cause that cannot be copied stays behind, and so do all frames: they are of that node.

    :raises ScenarioError: if the error itself cannot be copied.
    """
    found: BaseException = packed(error, sender)
    cause = error.__cause__
    if cause is not None:
        with contextlib.suppress(ScenarioError):
            found.__cause__ = packed_error(cause, sender)
    return found


def unpacked_error(
    error: BaseException, translate: Callable[[Address], ActorRef[Any]]
) -> BaseException:
    """Copy an error that arrives at a node, with its causes."""
    found: BaseException = unpacked(error, translate)
    if error.__cause__ is not None:
        found.__cause__ = unpacked_error(error.__cause__, translate)
    return found
