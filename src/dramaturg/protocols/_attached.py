"""A monitor at work: from what goes through the actors' doors to violations on the event stream.

While it is attached it has one lock of its own, which no user code runs under but keys and role
functions; violations are published after it has been released.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, final

from dramaturg.actors import (
    ActorEnded,
    ActorRef,
    ActorRestarted,
    ActorStarted,
    LifecycleEvent,
    SystemStateError,
)
from dramaturg.actors._cell import Cell
from dramaturg.actors._tap import Passing, add_tap, remove_tap, tap_cell
from dramaturg.protocols._cast import Cast
from dramaturg.protocols._conversation import Conversation
from dramaturg.protocols._expand import Members, message_name
from dramaturg.protocols._protocol_events import ProtocolViolated
from dramaturg.protocols._role import Party
from dramaturg.protocols._rules import Rules
from dramaturg.protocols._seen import Seen, Unwatched, Watched
from dramaturg.protocols._violation import Observation, Violation

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem, Subscription
    from dramaturg.actors._clock import TimerHandle
    from dramaturg.protocols._monitor import Monitor

__all__ = ["AttachedMonitor", "MonitorStatistics"]

Side: TypeAlias = Literal["sent", "received"]

RULES = 100
"""Sets of members for which the rules are remembered."""


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


class _Entry:
    """One conversation of a live system."""

    __slots__ = ("key", "paths", "seen", "talk", "timer", "when")

    def __init__(self, key: Hashable, talk: Conversation) -> None:
        self.key = key
        self.talk = talk
        self.paths: dict[Party, str] = {}
        self.seen: Seen | None = None
        self.timer: TimerHandle | None = None
        self.when: float | None = None


@final
class AttachedMonitor:
    """A monitor that looks at a system; made by :meth:`Monitor.attach`. Any thread.

    Leaving a ``with`` block detaches it.
    """

    def __init__(self, monitor: Monitor, system: ActorSystem) -> None:
        if not system.host.ident:
            raise SystemStateError(system=system.name, state="not started", call="attach")
        self.monitor = monitor
        self.system = system
        protocol = monitor.protocol
        self._lock = threading.RLock()
        self._cast = Cast(protocol, monitor.players)
        self._declared: dict[type, type | None] = {each: each for each in protocol.messages}
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._rules: dict[tuple[tuple[str, tuple[str | None, ...]], ...], Rules] = {}
        self._observations = self._violations = self._forgotten = self._failures = 0
        self._attached = True
        # Before the tree is walked: whoever starts meanwhile is met twice, and harmlessly.
        add_tap(system, self)
        self._subscriptions: list[Subscription] = [
            system.events.subscribe(self._actor_started, ActorStarted, ActorRestarted)
        ]
        for cell in _cells(system.root):
            self._admit(cell)
        events = tuple(each for each in protocol.messages if issubclass(each, LifecycleEvent))
        if events:
            self._subscriptions.append(system.events.subscribe(self._event, *events))
        self._subscriptions.append(system.events.subscribe(self._actor_ended, ActorEnded))

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
        with self._lock:
            if not self._attached:
                return
            self._attached = False
            for subscription in self._subscriptions:
                subscription.cancel()
            for entry in self._entries.values():
                if entry.timer is not None:
                    entry.timer.cancel()
            self._entries.clear()
        remove_tap(self.system, self)

    def finish(self) -> tuple[Violation, ...]:
        """Say that nothing more will come: report who is not done, and forget all conversations.

        :returns: what it has published.
        """
        found: list[tuple[_Entry, Violation]] = []
        with self._lock:
            now = self.system.now()
            for entry in self._entries.values():
                if entry.timer is not None:
                    entry.timer.cancel()
                found += [(entry, each) for each in entry.talk.elapse(now)]
                found += [(entry, each) for each in entry.talk.finish(now)]
            self._entries.clear()
        self._publish(found)
        return tuple(each for _, each in found)

    def statistics(self) -> MonitorStatistics:
        """Count what was seen."""
        return MonitorStatistics(
            observations=self._observations,
            conversations=len(self._entries),
            violations=self._violations,
            forgotten=self._forgotten,
            failures=self._failures,
        )

    only_watches = True
    """For whoever plans what happens when: it takes no part in anything."""

    def roles_at(self, path: str) -> tuple[str, ...]:
        """Return the names of the roles that the actor at a path plays, or has played."""
        return self._cast.roles_at(path)

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
        try:
            self._admit(cell)
        except Exception as error:  # noqa: BLE001 - the user's role function
            self._fail(error)

    def _pass(self, side: Side, passing: Passing) -> None:
        message, sender, receiver, headers, request = passing
        if self._type_of(message) is None:
            return
        if request is not None and self._type_of(request) is None:
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
        if self._type_of(seen.message) is not None:
            self._see("sent", seen)
            self._see("received", seen)

    def _type_of(self, message: object) -> type | None:
        """Return the declared type of a message: its own, or the nearest that it derives from."""
        cls = type(message)
        try:
            return self._declared[cls]
        except KeyError:
            found = next((each for each in cls.__mro__ if self._declared.get(each)), None)
            self._declared[cls] = found
            return found

    # -- who plays

    def _admit(self, cell: Cell) -> None:
        with self._lock:
            if self._cast.admit(cell):
                tap_cell(cell)

    def _actor_started(self, event: ActorStarted | ActorRestarted) -> None:
        ref = self.system.lookup(event.path)
        cell = None if ref is None else ref.cell
        if self._attached:
            try:
                while cell is not None:  # a supervisor's children have started before itself
                    self._admit(cell)
                    cell = cell.parent
            except Exception as error:  # noqa: BLE001 - the user's role function
                self._fail(error)

    def _actor_ended(self, event: ActorEnded) -> None:
        with self._lock:
            self._cast.dismiss(event.path)

    # -- what it means

    def _see(self, side: Side, seen: Seen) -> None:
        found: list[tuple[_Entry, Violation]] = []
        try:
            with self._lock:
                if self._attached:
                    found = self._judge(side, seen)
        except Exception as error:  # noqa: BLE001 - who looks on must not disturb
            self._fail(error)
        if found:
            self._publish(found)

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        self.system.log.error("monitor_failed", protocol=self.monitor.protocol.name, exc_info=error)

    def _judge(self, side: Side, seen: Seen) -> list[tuple[_Entry, Violation]]:
        message = self._type_of(seen.message)
        ends = self._ends(seen, message)
        if ends is None or message is None:
            return []
        key = self.monitor.key(seen)
        if key is None or not self.monitor.follows(key):
            return []
        now = self.system.now()
        entry = self._entries.get(key) or self._begin(key)
        sender, receiver = (self._party(entry, *end) for end in ends)
        found = entry.talk.elapse(now)
        entry.seen = seen
        self._observations += 1
        outcome = entry.talk.observe(Observation(side, sender, receiver, message, time=now))
        if isinstance(outcome, Violation):
            found.append(outcome)
        self._plan(entry)
        return [(entry, each) for each in found]

    def _ends(
        self, seen: Seen, message: type | None
    ) -> tuple[tuple[str, str | None], tuple[str, str | None]] | None:
        """Find who sends what to whom; if the actors play several roles, those that fit."""
        senders = self._cast.roles_at(seen.sender)
        receivers = self._cast.roles_at(seen.receiver)
        if not senders or not receivers:
            return None
        for send in self.monitor.protocol.sends:
            fits = send.sender.name in senders and send.receiver.name in receivers
            if fits and send.message is message:
                return (send.sender.name, seen.sender), (send.receiver.name, seen.receiver)
        return (senders[0], seen.sender), (receivers[0], seen.receiver)

    def _party(self, entry: _Entry, role: str, path: str | None) -> Party:
        party = Party(role, path if self.monitor.protocol.role(role).many else None)
        if path is not None:
            entry.paths[party] = path
        return party

    def _begin(self, key: Hashable) -> _Entry:
        protocol = self.monitor.protocol
        members = self._cast.members()
        talk = Conversation(protocol, rules=self._rules_for(members))
        entry = self._entries[key] = _Entry(key, talk)
        if len(self._entries) > self.monitor.limit:
            _, oldest = self._entries.popitem(last=False)
            self._forgotten += not oldest.talk.is_over
            if oldest.timer is not None:
                oldest.timer.cancel()
        return entry

    def _rules_for(self, members: Members) -> Rules:
        known = tuple(members.items())
        rules = self._rules.get(known)
        if rules is None:
            if len(self._rules) >= RULES:
                self._rules.clear()
            rules = self._rules[known] = Rules(self.monitor.protocol, members)
        return rules

    # -- deadlines

    def _plan(self, entry: _Entry) -> None:
        when = entry.talk.next_deadline
        if when == entry.when:
            return
        if entry.timer is not None:
            entry.timer.cancel()
        entry.when = when
        entry.timer = (
            None if when is None else self.system.clock.call_at(when, self._ring, entry, when)
        )

    def _ring(self, entry: _Entry, when: float) -> None:
        with self._lock:
            if not self._attached or entry.when != when:
                return
            found = [(entry, each) for each in entry.talk.elapse(max(when, self.system.now()))]
            self._plan(entry)
        self._publish(found)

    # -- what goes out

    def _publish(self, found: Iterable[tuple[_Entry, Violation]]) -> None:
        events = self.system.events
        for entry, violation in found:
            self._violations += 1
            if events.wants(ProtocolViolated):
                events.publish(self._event_of(entry, violation))

    def _event_of(self, entry: _Entry, violation: Violation) -> ProtocolViolated:
        seen = entry.seen
        message = violation.message
        correlation = None if seen is None else seen.correlation_id
        return ProtocolViolated(
            path=entry.paths.get(violation.party, "/"),
            time=self.system.clock.time(),
            protocol=violation.protocol,
            role=violation.role,
            kind=violation.kind.value,
            action=None if violation.action is None else str(violation.action),
            message=None if message is None else message_name(message),
            expected=tuple(map(str, violation.expected)),
            conversation=str(entry.key),
            correlation_id=None if correlation is None else str(correlation),
        )


def _cells(cell: Cell) -> Iterator[Cell]:
    yield cell
    for child in tuple((cell.children or {}).values()):
        yield from _cells(child)
