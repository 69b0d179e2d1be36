"""The conversations of live actors, told apart by a key: who plays, what it means, what is due.

It has one lock of its own, which no user code runs under but keys and role functions; what was
found is told after it has been released.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, final

from dramaturg.protocols._conversation import Conversation
from dramaturg.protocols._expand import Members, message_name
from dramaturg.protocols._protocol_events import ProtocolViolated
from dramaturg.protocols._role import Party
from dramaturg.protocols._rules import Rules
from dramaturg.protocols._seen import Seen
from dramaturg.protocols._violation import Observation, Violation

if TYPE_CHECKING:
    from dramaturg.actors._clock import Clock, TimerHandle
    from dramaturg.protocols._cast import Cast
    from dramaturg.protocols._monitor import Monitor

__all__ = ["Found", "Side", "Talks"]

Side: TypeAlias = Literal["sent", "received"]

RULES = 100
"""Sets of members for which the rules are remembered."""


class _Entry:
    """One conversation."""

    __slots__ = ("key", "paths", "seen", "talk", "timer", "when")

    def __init__(self, key: Hashable, talk: Conversation) -> None:
        self.key = key
        self.talk = talk
        self.paths: dict[Party, str] = {}
        self.seen: Seen | None = None
        self.timer: TimerHandle | None = None
        self.when: float | None = None

    def call_off(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class Found(NamedTuple):
    """A violation, and the conversation in which it was found."""

    entry: _Entry
    violation: Violation

    def event(self, clock: Clock) -> ProtocolViolated:
        """Return it as an event."""
        entry, violation = self
        seen, message = entry.seen, violation.message
        correlation = None if seen is None else seen.correlation_id
        return ProtocolViolated(
            path=entry.paths.get(violation.party, "/"),
            time=clock.time(),
            protocol=violation.protocol,
            role=violation.role,
            kind=violation.kind.value,
            action=None if violation.action is None else str(violation.action),
            message=None if message is None else message_name(message),
            expected=tuple(map(str, violation.expected)),
            conversation=str(entry.key),
            correlation_id=None if correlation is None else str(correlation),
        )


@final
class Talks:
    """All conversations that a monitor follows. Any thread.

    :param monitor: its protocol, key, sample and limit count.
    :param clock: by which deadlines pass.
    :param tell: called with what was found, if something was.
    """

    only_watches = True
    """For whoever plans what happens when: it takes no part in anything."""

    def __init__(
        self, monitor: Monitor, cast: Cast, clock: Clock, tell: Callable[[list[Found]], object]
    ) -> None:
        self.lock = threading.RLock()
        self.observations = self.violations = self.forgotten = 0
        self._monitor = monitor
        self._cast = cast
        self._clock = clock
        self._tell = tell
        self._closed = False
        self._declared: dict[type, type | None] = {each: each for each in monitor.protocol.messages}
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._rules: dict[tuple[tuple[str, tuple[str | None, ...]], ...], Rules] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def type_of(self, message: object) -> type | None:
        """Return the declared type of a message: its own, or the nearest that it derives from."""
        cls = type(message)
        try:
            return self._declared[cls]
        except KeyError:
            found = next((each for each in cls.__mro__ if self._declared.get(each)), None)
            self._declared[cls] = found
            return found

    def see(self, side: Side, seen: Seen) -> None:
        """See a message at one side, in its conversation.

        What a key raises goes through; nothing has been seen then.
        """
        with self.lock:
            found = [] if self._closed else self._judge(side, seen)
        self._found(found)

    def finish(self) -> list[Violation]:
        """Look who is not done, and forget all conversations; return what was found."""
        found: list[Found] = []
        with self.lock:
            now = self._clock.monotonic()
            for entry in self._entries.values():
                entry.call_off()
                late = [*entry.talk.elapse(now), *entry.talk.finish(now)]
                found += [Found(entry, each) for each in late]
            self._entries.clear()
        self._found(found)
        return [each.violation for each in found]

    def close(self) -> bool:
        """Forget all, and see nothing more; tell whether it was still open."""
        with self.lock:
            was_open, self._closed = not self._closed, True
            for entry in self._entries.values():
                entry.call_off()
            self._entries.clear()
        return was_open

    # -- what it means

    def _judge(self, side: Side, seen: Seen) -> list[Found]:
        message = self.type_of(seen.message)
        ends = self._ends(seen, message)
        if ends is None or message is None:
            return []
        key = self._monitor.key(seen)
        if key is None or not self._monitor.follows(key):
            return []
        now = self._clock.monotonic()
        entry = self._entries.get(key) or self._begin(key)
        sender, receiver = (self._party(entry, *end) for end in ends)
        found = entry.talk.elapse(now)
        entry.seen = seen
        self.observations += 1
        outcome = entry.talk.observe(Observation(side, sender, receiver, message, time=now))
        if isinstance(outcome, Violation):
            found.append(outcome)
        self._plan(entry)
        return [Found(entry, each) for each in found]

    def _ends(
        self, seen: Seen, message: type | None
    ) -> tuple[tuple[str, str | None], tuple[str, str | None]] | None:
        """Find who sends what to whom; if the actors play several roles, those that fit."""
        senders = self._cast.roles_at(seen.sender)
        receivers = self._cast.roles_at(seen.receiver)
        if not senders or not receivers:
            return None
        for send in self._monitor.protocol.sends:
            fits = send.sender.name in senders and send.receiver.name in receivers
            if fits and send.message is message:
                return (send.sender.name, seen.sender), (send.receiver.name, seen.receiver)
        return (senders[0], seen.sender), (receivers[0], seen.receiver)

    def _party(self, entry: _Entry, role: str, path: str | None) -> Party:
        party = Party(role, path if self._monitor.protocol.role(role).many else None)
        if path is not None:
            entry.paths[party] = path
        return party

    def _begin(self, key: Hashable) -> _Entry:
        talk = Conversation(self._monitor.protocol, rules=self._rules_for(self._cast.members()))
        entry = self._entries[key] = _Entry(key, talk)
        if len(self._entries) > self._monitor.limit:
            _, oldest = self._entries.popitem(last=False)
            self.forgotten += not oldest.talk.is_over
            oldest.call_off()
        return entry

    def _rules_for(self, members: Members) -> Rules:
        known = tuple(members.items())
        rules = self._rules.get(known)
        if rules is None:
            if len(self._rules) >= RULES:
                self._rules.clear()
            rules = self._rules[known] = Rules(self._monitor.protocol, members)
        return rules

    # -- deadlines

    def _plan(self, entry: _Entry) -> None:
        when = entry.talk.next_deadline
        if when == entry.when:
            return
        entry.call_off()
        entry.when = when
        entry.timer = None if when is None else self._clock.call_at(when, self._ring, entry, when)

    def _ring(self, entry: _Entry, when: float) -> None:
        with self.lock:
            if self._closed or entry.when != when:
                return
            late = entry.talk.elapse(max(when, self._clock.monotonic()))
            found = [Found(entry, each) for each in late]
            self._plan(entry)
        self._found(found)

    def _found(self, found: Iterable[Found]) -> None:
        found = list(found)
        self.violations += len(found)
        if found:
            self._tell(found)
