"""Find the handler of a message whose exact class has none in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pykka
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from dramaturg.actors._letters import unhandled
from dramaturg.actors._signals import Internal

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell

__all__ = ["invoke", "resolve"]


def resolve(cell: Cell, cls: type) -> Callable[[Any, Any], Any]:
    """Find what handles messages of ``cls``, and remember it for the actor's class.

    The order: the runtime's own messages; the behaviour that ``become`` set; a
    handler for a base class, the nearest first; pykka's proxy messages;
    ``on_receive`` if the class defines it; else the message is unhandled.
    """
    if issubclass(cls, Internal):
        return _handle_internal
    extra = cell.extra
    if extra is not None and extra.behaviours:
        return _handle_by_behaviour
    handlers = cell.handlers
    handle = _find(cell, cast("type[Any]", cls), handlers)
    # The table is derived from the class alone, so that any thread may add to it.
    handlers[cls] = handle
    return handle


def invoke(cell: Cell, message: Any) -> Any:
    """Hand a message to its handler; the coroutine of an ``async def`` one is returned."""
    cls = message.__class__
    handle = cell.handlers.get(cls) or resolve(cell, cls)
    return handle(cell.actor, message)


def _find(
    cell: Cell, cls: type, handlers: dict[type, Callable[[Any, Any], Any]]
) -> Callable[[Any, Any], Any]:
    # Not what has been remembered: it would depend on which messages came before.
    declared = cell.actor_class._declared
    for base in cls.__mro__[1:-1]:
        if base in declared:
            return handlers[base]
    if issubclass(cls, ProxyCall | ProxyGetAttr | ProxySetAttr):
        return _handle_proxy
    if cell.actor_class.on_receive is not pykka.Actor.on_receive:
        return _handle_by_on_receive
    return handlers.get(object, _unhandled)


def _handle_internal(actor: Any, message: Internal) -> Any:
    return message.handle(actor._cell)


def _handle_by_behaviour(actor: Any, message: Any) -> Any:
    return actor._cell.extra.behaviours[-1](message)


def _handle_proxy(actor: Any, message: Any) -> Any:
    return pykka.Actor._handle_receive(actor, message)


def _handle_by_on_receive(actor: Any, message: Any) -> Any:
    return actor.on_receive(message)


def _unhandled(actor: Any, message: Any) -> Any:
    cell = actor._cell
    if cell.pykka_contract:
        return actor.on_receive(message)
    unhandled(cell, message)
    return None
