"""pykka's own rules, for actors started in pykka's way.

``SomeActor.start()`` promises what pykka promises, so that code written for it
runs unchanged: a failing ask returns the exception and the actor lives; a
failing tell stops it with ``on_failure`` and without ``on_stop``; a
``BaseException`` stops every actor of the process; all of it logged by the
``pykka`` logger in pykka's words.
"""

from __future__ import annotations

import logging
import threading
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from pykka import ActorRegistry

from dramaturg.actors import _lifecycle as lifecycle
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._exit_reason import FAILED, NORMAL

if TYPE_CHECKING:
    from dramaturg.actors._cell import Cell

__all__ = ["adopt", "crash", "stop"]


def adopt(cell: Cell) -> None:
    """Put a new actor under pykka's contract, before it starts."""
    extra = cell.more()
    extra.pykka = True
    extra.pykka_stopped = threading.Event()
    ActorRegistry.register(cell.ref)
    _log().debug(f"Starting {cell.actor}")


async def crash(cell: Cell, item: Any, error: BaseException) -> None:
    """Follow pykka's ``Actor._actor_loop_running``."""
    actor: Any = cell.actor
    exc_info = (type(error), error, error.__traceback__)
    if not isinstance(error, Exception):
        _log().debug(f"{error!r} in {actor}. Stopping all actors.")
        _answer(item, error)
        await lifecycle.begin_stop(cell, NORMAL)
        ActorRegistry.stop_all(block=False)
    elif item.__class__ is Envelope and item.reply is not None:
        _log().info(f"Exception returned from {actor} to caller:", exc_info=exc_info)
        _answer(item, error)
    else:
        actor._handle_failure(*exc_info)
        if item is not None:
            await _on_failure(actor, exc_info)
        await lifecycle.begin_stop(cell, FAILED)


async def stop(cell: Cell) -> None:
    """Follow pykka's ``Actor._stop``."""
    actor: Any = cell.actor
    extra = cell.more()
    if extra.exit_reason.kind == "failed" or actor is None:
        return
    ActorRegistry.unregister(cell.ref)
    actor.actor_stopped.set()
    _log().debug(f"Stopped {actor}")
    try:
        await _call(actor.on_stop())
    except Exception as error:  # noqa: BLE001 - a hook may fail
        actor._handle_failure(type(error), error, error.__traceback__)


async def _on_failure(actor: Any, exc_info: tuple[Any, Any, Any]) -> None:
    try:
        await _call(actor.on_failure(*exc_info))
    except Exception as error:  # noqa: BLE001 - a hook may fail
        actor._handle_failure(type(error), error, error.__traceback__)


def _answer(item: Any, error: BaseException) -> None:
    if item.__class__ is Envelope and item.reply is not None:
        item.reply.complete(None, error)


async def _call(result: Any) -> None:
    if result.__class__ is CoroutineType:
        await result


def _log() -> logging.Logger:
    return logging.getLogger("pykka")
