"""What only some actors have: kept apart so that an idle plain actor stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import threading
    from collections import deque
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._failure import Policy
    from dramaturg.actors._future import Future
    from dramaturg.actors._thread import ThreadDispatcher
    from dramaturg.actors._timers import ReceiveTimeout, Timer
    from dramaturg.actors._watch import Watch

__all__ = ["Extra"]


@final
class Extra:
    """Rarely needed state of one cell, made when first needed."""

    __slots__ = (
        "behaviours",
        "failure",
        "keep_mailbox",
        "killing",
        "never_up",
        "policy",
        "pykka",
        "pykka_stopped",
        "receive_timeout",
        "restarts",
        "start_waiters",
        "stash",
        "stash_capacity",
        "stop_reason",
        "thread",
        "timers",
        "urn",
        "watchers",
        "watching",
    )

    def __init__(self) -> None:
        self.behaviours: list[Callable[[Any], Any]] = []
        self.failure: BaseException | None = None
        self.keep_mailbox = True
        self.killing = False
        self.never_up = False
        self.policy: Policy | None = None
        self.pykka = False
        self.pykka_stopped: threading.Event | None = None
        self.receive_timeout: ReceiveTimeout | None = None
        self.restarts = 0
        self.start_waiters: list[Future[None]] = []
        self.stash: deque[Any] | None = None
        self.stash_capacity = 1000
        self.stop_reason = "normal"
        self.thread: ThreadDispatcher | None = None
        self.timers: dict[Any, Timer] = {}
        self.urn: str | None = None
        self.watchers: dict[Cell, Watch] = {}
        self.watching: dict[Cell, Watch] = {}
