"""A monitor at work: from what goes through the actors' doors to violations on the event stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

from dramaturg.actors import ActorEnded, ActorRef, LifecycleEvent
from dramaturg.protocols._attachment import Attachment
from dramaturg.protocols._cast import Cast
from dramaturg.protocols._protocol_events import ProtocolViolated
from dramaturg.protocols._seen import Seen, Unwatched, Watched
from dramaturg.protocols._talks import Found, Side, Talks

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem
    from dramaturg.actors._cell import Cell
    from dramaturg.actors._tap import Passing
    from dramaturg.protocols._monitor import Monitor
    from dramaturg.protocols._violation import Violation

__all__ = ["AttachedMonitor", "MonitorStatistics"]


@final
@dataclass(frozen=True, slots=True)
class MonitorStatistics:
    """What a monitor has seen.

    :param observations: messages at one side.
    :param conversations: those that are remembered.
    :param forgotten: those that were not over when they had to make room.
    :param failures: observations that were given up since a key or a role function raised.
    """

    observations: int
    conversations: int
    violations: int
    forgotten: int
    failures: int


@final
class AttachedMonitor:
    """A monitor that looks at a system; made by :meth:`Monitor.attach`. Any thread.

    Leaving a ``with`` block detaches it.
    """

    def __init__(self, monitor: Monitor, system: ActorSystem) -> None:
        self.monitor = monitor
        self.system = system
        protocol = monitor.protocol
        self._cast = Cast(protocol, monitor.players)
        self._talks = Talks(monitor, self._cast, system.clock, self._publish)
        self._failures = 0
        self._attached = True
        self._attachment = Attachment(system, self, self._admit)
        self._attachment.begin()
        events = tuple(each for each in protocol.messages if issubclass(each, LifecycleEvent))
        if events:
            self._attachment.subscribe(self._event, *events)
        self._attachment.subscribe(self._actor_ended, ActorEnded)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.detach()

    def __repr__(self) -> str:
        state = "attached" if self._attached else "detached"
        return f"<AttachedMonitor of {self.monitor.protocol.name} {state} {self.statistics()}>"

    # -- for users

    def detach(self) -> None:
        """Look no more; doing so twice is harmless. Conversations under way are forgotten."""
        if self._talks.close():
            self._attached = False
            self._attachment.end()

    def finish(self) -> tuple[Violation, ...]:
        """Say that nothing more will come: report who is not done, and forget all conversations.

        :returns: what it has published.
        """
        return tuple(self._talks.finish())

    def statistics(self) -> MonitorStatistics:
        """Count what was seen."""
        talks = self._talks
        return MonitorStatistics(
            observations=talks.observations,
            conversations=len(talks),
            violations=talks.violations,
            forgotten=talks.forgotten,
            failures=self._failures,
        )

    # -- what comes in

    def sent(self, passing: Passing) -> None:
        """See a message at its sender's side; the runtime calls it."""
        self._pass("sent", passing)

    def received(self, passing: Passing) -> None:
        """See a message at its receiver's side; the runtime calls it."""
        self._pass("received", passing)

    def watched(self, watcher: ActorRef[Any], target: ActorRef[Any], begun: bool) -> None:  # noqa: FBT001 - the protocol's
        """See a death watch begin or end; the runtime calls it."""
        message = Watched(target) if begun else Unwatched(target)
        self._both(Seen(message, watcher.path, target.path))

    def spawned(self, cell: Cell) -> None:
        """See an actor before it is sent anything; the runtime calls it."""
        self._attachment.meet(cell)

    def _pass(self, side: Side, passing: Passing) -> None:
        message, sender, receiver, headers, request = passing
        if self._talks.type_of(message) is None:
            return
        if request is not None and self._talks.type_of(request) is None:
            return  # many a request is answered with an int
        self._see(
            side,
            Seen(
                message,
                None if sender is None else sender.path,
                None if receiver is None else receiver.path,
                None if headers is None else headers.message_id,
                None if headers is None else headers.correlation_id,
            ),
        )

    def _event(self, event: LifecycleEvent) -> None:
        self._both(Seen(event, event.path, event.path.rpartition("/")[0] or None))

    def _both(self, seen: Seen) -> None:
        if self._talks.type_of(seen.message) is not None:
            self._see("sent", seen)
            self._see("received", seen)

    def _see(self, side: Side, seen: Seen) -> None:
        try:
            self._talks.see(side, seen)
        except Exception as error:  # noqa: BLE001 - who looks on must not disturb
            self._fail(error)

    # -- who plays

    def _admit(self, cell: Cell) -> bool:
        try:
            with self._talks.lock:
                return self._cast.admit(cell)
        except Exception as error:  # noqa: BLE001 - the user's role function
            self._fail(error)
            return False

    def _actor_ended(self, event: ActorEnded) -> None:
        with self._talks.lock:
            self._cast.dismiss(event.path)

    # -- what goes out

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        self.system.log.error("monitor_failed", protocol=self.monitor.protocol.name, exc_info=error)

    def _publish(self, found: list[Found]) -> None:
        events = self.system.events
        for each in found:
            if events.wants(ProtocolViolated):
                events.publish(each.event(self.system.clock))
