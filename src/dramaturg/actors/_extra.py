"""What only some actors have: kept apart so that an idle plain actor stays small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._exit_reason import NORMAL

if TYPE_CHECKING:
    import threading
    from collections import deque
    from collections.abc import Callable

    from dramaturg.actors._cell import Cell
    from dramaturg.actors._exit_reason import ExitReason
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
        "door_lock",
        "exit_reason",
        "failure",
        "front",
        "gives_way",
        "in_a_row",
        "keep_mailbox",
        "killing",
        "lost",
        "never_up",
        "policy",
        "pykka",
        "pykka_stopped",
        "receive_timeout",
        "restart_timer",
        "restarted_at",
        "restarts",
        "rests",
        "stand_in",
        "start_info",
        "start_waiters",
        "stash",
        "stash_capacity",
        "thread",
        "timers",
        "urn",
        "watchers",
        "watching",
    )

    def __init__(self) -> None:
        self.behaviours: list[Callable[[Any], Any]] = []
        self.door_lock: Any = None
        """Keeps in order what passes through the door of one for whom another one serves."""
        self.exit_reason: ExitReason = NORMAL
        self.failure: BaseException | None = None
        self.front: Cell | None = None
        """For whom it stands in."""
        self.gives_way = False
        """What waits is being passed on to the one that stands in."""
        self.in_a_row = -1
        """What the policy's last ``Restart`` said."""
        self.keep_mailbox = True
        self.killing: ExitReason | None = None
        """It is to end at once, for this reason."""
        self.lost = False
        """A thread or a task that did not come back may still be in the cell."""
        self.never_up = False
        self.policy: Policy | None = None
        self.pykka = False
        self.pykka_stopped: threading.Event | None = None
        self.receive_timeout: ReceiveTimeout | None = None
        self.restart_timer: Any = None
        """What a restart after a pause waits for."""
        self.restarted_at: deque[float] | None = None
        self.restarts = 0
        self.rests = False
        """It is on its way from STOPPING to DOWN."""
        self.stand_in: Cell | None = None
        """Who serves under this actor's ref."""
        self.start_info: Any = None
        self.start_waiters: list[Future[Any]] = []
        self.stash: deque[Any] | None = None
        self.stash_capacity = 1000
        self.thread: ThreadDispatcher | None = None
        self.timers: dict[Any, Timer] = {}
        self.urn: str | None = None
        self.watchers: dict[Cell, Watch] = {}
        self.watching: dict[Cell, Watch] = {}

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing here that would end with the incarnation."""
        return (
            self.policy is None
            and self.keep_mailbox
            and self.thread is None
            and self.stand_in is None
            and self.receive_timeout is None
            and self.start_info is None
            and self.killing is None
            and not self.pykka
            and not self.stash
            and not self.timers
            and not self.behaviours
            and not self.watching
            and not self.start_waiters
        )
