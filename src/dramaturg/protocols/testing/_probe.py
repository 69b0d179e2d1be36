"""A probe: an actor in the hands of a test."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar, overload

from dramaturg.actors import Props, Terminated
from dramaturg.protocols._borders import (
    ACTOR_REF,
    FUNCTION,
    SECONDS,
    SYSTEM,
    Kind,
    at_least,
    check_options,
    instance,
)
from dramaturg.protocols.testing._probe_errors import (
    NoMessageError,
    NothingToReplyError,
    UnexpectedMessageError,
    described,
)
from dramaturg.protocols.testing._probe_inbox import Do, Inbox, ProbeActor, Received, matches
from dramaturg.protocols.testing._stage import stage_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors import ActorRef, ActorSystem

__all__ = ["COUNT", "QUIET", "WITHIN", "ProbeCore", "TestProbe", "seconds"]

M = TypeVar("M")

COUNT = at_least(0)

WITHIN = 3.0
"""Seconds in which a message has to come, unless a test says so."""
_WITHIN = Kind(
    lambda value: value is None or SECONDS.fits(value) or value == float("inf"),
    "at least 0 seconds",
)

QUIET = 0.1
"""Seconds in which no message may come, unless a test says so."""


def seconds(within: float | None, default: float) -> float:
    """Return how long to wait.

    :raises OptionError: for less than 0 seconds.
    """
    check_options(within=(within, _WITHIN))
    return default if within is None else within


class ProbeCore:
    """What all probes can do without waiting."""

    __test__ = False  # to pytest a class of this name is none of its tests

    def __init__(self, system: ActorSystem, *, name: str | None = None) -> None:
        check_options(system=(system, SYSTEM))
        self._system = system
        self._inbox = Inbox()
        self._last: Received | None = None
        self.ref: ActorRef[Any] = system.spawn(Props(ProbeActor, self._inbox), name=name)
        """The probe's ref, to be given to others."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.ref.path}, {len(self.waiting)} waiting>"

    @property
    def waiting(self) -> tuple[Any, ...]:
        """The messages that have come and were not taken yet."""
        return tuple(each.message for each in tuple(self._inbox.waiting))

    @property
    def sender(self) -> ActorRef[Any] | None:
        """Who sent the message that was taken last.

        None if no actor did, and for a plain ``tell`` of a system without ``trace=True``.
        """
        return None if self._last is None else self._last.sender

    def reply(self, message: Any = None) -> None:
        """Answer what was taken last: the request, or else its sender is told.

        :raises NothingToReplyError: if it was no request and has no sender, or is answered.
        """
        last = self._last
        if last is None:
            raise NothingToReplyError(who=self.ref.path, message=None)
        if last.slot is not None:
            last.answer(message, None)
        elif last.sender is not None:
            self.tell(last.sender, message)
        else:
            raise NothingToReplyError(who=self.ref.path, message=last.message)
        self._act()

    def fail(self, error: BaseException) -> None:
        """Answer the request that was taken last with an error, such as ``Refused``.

        :raises NothingToReplyError: if it was no request, or is answered.
        :raises OptionError: if it is no error.
        """
        check_options(error=(error, instance(BaseException, "an exception")))
        last = self._last
        if last is None or last.slot is None:
            message = None if last is None else last.message
            raise NothingToReplyError(who=self.ref.path, message=message)
        last.answer(None, error)
        self._act()

    def tell(self, ref: ActorRef[Any], message: Any) -> None:
        """Send a message as the probe, so that its receiver can answer.

        :raises OptionError: if it is no ref.
        """
        check_options(ref=(ref, ACTOR_REF))
        self._do(lambda _: ref.tell(message))

    def watch(self, ref: ActorRef[Any]) -> None:
        """Be told with :class:`Terminated` when the actor has ended.

        :raises OptionError: if it is no ref.
        """
        check_options(ref=(ref, ACTOR_REF))
        self._do(lambda context: context.watch(ref))

    def _do(self, work: Callable[[Any], object]) -> None:
        self.ref.tell(Do(work))

    def _act(self) -> None:
        """Let what was done have its effect; most systems see to that themselves."""

    # -- judging -----------------------------------------------------------------------------

    def _take(self) -> Received:
        self._last = received = self._inbox.waiting.popleft()
        return received

    def _take_expected(self, expected: object, within: float) -> Any:
        if not self._inbox.waiting:
            wanted = "a message" if expected is object else described(expected)
            raise NoMessageError(who=self.ref.path, expected=wanted, within=within)
        received = self._take()
        if not matches(expected, received.message):
            raise self._unexpected(described(expected), received)
        return received.message

    def _unexpected(self, expected: str, received: Received) -> UnexpectedMessageError:
        sender = None if received.sender is None else received.sender.path
        return UnexpectedMessageError(
            who=self.ref.path, expected=expected, message=received.message, sender=sender
        )

    def _check_quiet(self) -> None:
        if self._inbox.waiting:
            raise self._unexpected("no message", self._take())

    def _take_terminated(self, ref: ActorRef[Any], within: float) -> Terminated:
        expected = f"the end of {ref.path}"
        if not self._inbox.waiting:
            raise NoMessageError(who=self.ref.path, expected=expected, within=within)
        received = self._take()
        message = received.message
        if not isinstance(message, Terminated) or message.ref != ref:
            raise self._unexpected(expected, received)
        return message

    def _too_few(self, count: int, within: float) -> NoMessageError:
        return NoMessageError(
            who=self.ref.path, expected=f"{count} messages", within=within, seen=self.waiting
        )

    def _pass_over(self, wanted: Callable[[Any], object], seen: list[Any]) -> bool:
        """Take messages up to the one that is wanted; tell whether it was there."""
        while self._inbox.waiting:
            message = self._take().message
            if wanted(message):
                return True
            seen.append(message)
        return False

    def _fished(self) -> Any:
        return None if self._last is None else self._last.message


class TestProbe(ProbeCore):
    """A real actor that keeps what it gets, until the test takes it (as Akka's).

    ::

        probe = TestProbe(system)
        orders.tell(Subscribe(probe.ref))
        assert probe.expect_message(Ordered, within=2.0).number == 1

    In a hand-driven system (the fixture ``system``) times are virtual: a call with ``within=``
    lets that much time pass at most, one without lets none pass. In a system of a
    thread (``with ActorSystem()``) they are real, 3 s for a message and 0.1 s for none if
    nothing else is said. In coroutines of a system's own loop use :class:`AsyncTestProbe`.

    :param system: where the probe is spawned.
    :param name: of the actor.
    :raises OptionError: if it is no system, and by all methods for an argument of another type.
    :raises BlockingCallError: by all that waits, on a thread that runs the system's actors.
    """

    def __init__(self, system: ActorSystem, *, name: str | None = None) -> None:
        check_options(system=(system, SYSTEM))
        self._stage = stage_of(system)
        self._came = threading.Condition()
        super().__init__(system, name=name)
        self._inbox.arrived = self._wake
        self._within = WITHIN if self._stage is None else 0.0
        self._quiet = QUIET if self._stage is None else 0.0

    @overload
    def expect_message(self, expected: type[M], *, within: float | None = None) -> M: ...
    @overload
    def expect_message(self, expected: M, *, within: float | None = None) -> M: ...
    @overload
    def expect_message(self, *, within: float | None = None) -> Any: ...
    def expect_message(self, expected: object = object, *, within: float | None = None) -> Any:
        """Take the next message, and check its type or its value.

        :param expected: a type, or what the message has to be equal to; default anything.
        :param within: seconds in which it has to come.
        :raises NoMessageError: if none has come.
        :raises UnexpectedMessageError: if it is another one; it has been taken.
        """
        limit = seconds(within, self._within)
        self._wait(1, limit)
        return self._take_expected(expected, limit)

    def expect_no_message(self, *, within: float | None = None) -> None:
        """Check that no message waits, and that none comes for so many seconds.

        :raises UnexpectedMessageError: if there is one; it has been taken.
        """
        self._wait(1, seconds(within, self._quiet))
        self._check_quiet()

    def fish(self, wanted: Callable[[Any], object], *, within: float | None = None) -> Any:
        """Take messages until one is wanted, and return that; the others are gone.

        :param wanted: says so of a message.
        :raises NoMessageError: if none was, with those that came.
        """
        check_options(wanted=(wanted, FUNCTION))
        limit = seconds(within, self._within)
        seen: list[Any] = []
        until = self._now() + limit
        while not self._pass_over(wanted, seen):
            if not self._wait(1, max(0.0, until - self._now())):
                raise NoMessageError(
                    who=self.ref.path, expected="another message", within=limit, seen=seen
                )
        return self._fished()

    def receive_n(self, count: int, *, within: float | None = None) -> tuple[Any, ...]:
        """Take so many messages.

        :raises NoMessageError: if fewer have come; none has been taken.
        """
        check_options(count=(count, COUNT))
        limit = seconds(within, self._within)
        if not self._wait(count, limit):
            raise self._too_few(count, limit)
        return tuple(self._take().message for _ in range(count))

    def expect_terminated(self, ref: ActorRef[Any], *, within: float | None = None) -> Terminated:
        """Take the notice of the end of an actor that the probe watches.

        :raises NoMessageError: if nothing has come.
        :raises UnexpectedMessageError: if something else has; it has been taken.
        """
        check_options(ref=(ref, ACTOR_REF))
        limit = seconds(within, self._within)
        self._wait(1, limit)
        ended = self._take_terminated(ref, limit)
        if self._stage is not None:
            self._stage.note_told(ended.error)
        return ended

    # -- waiting -----------------------------------------------------------------------------

    def _act(self) -> None:
        if self._stage is not None:
            self._stage.run()

    def _wake(self) -> None:
        with self._came:
            self._came.notify_all()

    def _now(self) -> float:
        return self._system.now()

    def _wait(self, count: int, within: float) -> bool:
        """Wait until so many messages are there; tell whether they are."""

        def there() -> bool:
            return len(self._inbox.waiting) >= count

        if self._stage is not None:
            return self._stage.wait_for(there, within)
        self._system.check_may_block("the probe waits", "use AsyncTestProbe, and await it")
        with self._came:
            return self._came.wait_for(there, within)
