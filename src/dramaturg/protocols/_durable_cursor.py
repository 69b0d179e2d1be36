"""One subscription of a durable topic: an actor that reads the topic's journal for somebody.

Theory of operation
===================

*Two streams.* The topic writes messages under its own persistence id; a cursor writes, under
another, up to where all is confirmed. So publishers and subscriptions do not wait for each other,
and what waits for a slow subscriber waits in the journal: in memory are the messages that are
with the subscriber, at most ``window``, and one page that was read ahead. What was just published
is in the topic's tail (``_durable_tail``), which all subscriptions share.

*Flights.* A message that was handed over is a flight until all up to it is confirmed. It travels
with a reply slot, which the runtime completes exactly once, whatever becomes of the message
(see ``_topic_subscriber``). Slots are completed in the subscriber's thread: they go into
``done``, and call the cursor by a message of the runtime's own.

*Confirmed* is what lies before the first flight that is still open. It is written when a window
has been confirmed, or a moment after the first of it: one record for many messages. The next ones
are handed over before, so that nobody waits for the disk, but never more than two windows are
handed over and not written. A crash repeats these, and such a delivery says that it may be a
repetition.

*Failures* are counted in the journal, behind each one. A subscriber that is not there, or has
no room, has not failed. How the ends of processes are counted is in ``_durable_doubt``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast, final

from dramaturg.actors import (
    ActorRef,
    DeadlineExceeded,
    Directive,
    Refused,
    UnhandledError,
    handler,
)
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._letters import bury
from dramaturg.actors.journal import JournalError
from dramaturg.protocols._durable_confirming import Confirming
from dramaturg.protocols._durable_doubt import Doubts
from dramaturg.protocols._durable_flight import (
    GO_ON,
    Again,
    Ended,
    Flight,
    GoOn,
    Landings,
    Progress,
    Standing,
    Unconfirmed,
    has_failed,
    reason_of,
)
from dramaturg.protocols._durable_tail import Entry, Reading
from dramaturg.protocols._durable_topic_messages import (
    Confirm,
    Confirmation,
    Delivery,
    DurableSubscription,
    MessagesMissed,
    OnPoison,
    Resume,
    SubscribeDurably,
)
from dramaturg.protocols._durable_topic_state import (
    SETTLED,
    CursorFailed,
    CursorHanded,
    CursorParked,
    CursorResumed,
    CursorReturned,
    CursorServed,
    SubscriptionBegun,
    TopicPublished,
)
from dramaturg.protocols._topic_index import TopicIndex

__all__ = ["Cursor", "cursor_id"]


def cursor_id(topic: str, begun: SubscriptionBegun) -> str:
    """Return under which id a subscription keeps its position."""
    return f"{topic}@{begun.name}-{begun.offset}"


@final
class Cursor(Confirming):
    """Delivers what a topic publishes to one durable subscriber; a child of the topic.

    :param begun: the subscription.
    :param head: the offset of the topic's last message.
    :param is_first: whether it is the first one of the subscription in this process.
    """

    policy = Directive.STOP
    serial = 0  # an index of interests sorts those who have them by it

    def __init__(
        self,
        topic: ActorRef[Any],
        begun: SubscriptionBegun,
        *,
        own_id: str,
        reading: Reading,
        standing: Standing,
        head: int,
        is_first: bool,
    ) -> None:
        super().__init__(own_id, begun)
        self._topic = topic
        self._reading = reading
        self._standing = standing
        self._head = head
        self._is_first = is_first
        self._doubts = Doubts(head)
        self._wanted = TopicIndex()
        self._delivered = self._skipped = self._missed = 0
        self._told: tuple[ActorRef[Any] | None, int] | None = None
        self._landings = Landings(self._call)
        self._is_called = False

    async def on_recovered(self) -> None:
        """Begin behind what is confirmed; count what an earlier process has ended with."""
        self._read = self._confirmed
        self._standing.figures = self._figures
        suspects = self.state.handed
        if self._is_first:
            await self.persist(*[CursorFailed(offset) for offset in suspects])
        self._doubts.begin(self.state.window, suspects)
        self._tell()

    def _call(self) -> None:
        """Have it look at what is done; any thread."""
        if not self._is_called:
            self._is_called = True
            self._cell.post_internal(GO_ON)

    # -- what it is told

    @handler
    async def go_on(self, message: GoOn) -> None:
        """See to what is done, and to what is new."""
        self._is_called = False
        self._head = max(self._head, message.head)
        await self._advance()

    @handler
    async def subscribe(self, message: SubscribeDurably) -> DurableSubscription:
        """Deliver to this actor from now on, in this way."""
        given = self._given
        if given is not None and given.ref != message.ref:
            self._part()
        if message.window > self.state.window:
            await self.persist(CursorServed(message.window))
        self._given = message
        self._wanted = TopicIndex()
        self._wanted.add(cast("Any", self), message.interest)
        self.context.watch(message.ref, Ended(message.ref))
        # What it has handled and not confirmed an earlier incarnation may have forgotten.
        for flight in tuple(self._flights.values()):
            if flight.is_closed and not flight.is_done:
                await self._deliver_again(flight)
        await self._advance()
        return self._figures()

    @handler
    async def subscriber_ended(self, message: Ended) -> None:
        """Wait until somebody subscribes again."""
        if self._given is not None and self._given.ref == message.ref:
            self._part()
            await self._advance()

    @handler
    async def confirm(self, message: Confirm) -> DurableSubscription:
        """Take note that all up to an offset is confirmed."""
        if message.offset > self._head:
            raise Refused(f"offset {message.offset} is not there yet; the last is {self._head}")
        for offset, flight in self._flights.items():
            if offset <= message.offset:
                flight.is_done = True
        if message.offset > self._read:
            self._read_on_behind(message.offset)
        await self._advance(write=True)
        return self._figures()

    @handler
    async def resume(self, message: Resume) -> DurableSubscription:
        """Go on, if it is parked."""
        parked = self.state.parked
        if parked is None:
            raise Refused(f"the subscription {message.name} is not parked")
        await self.persist(CursorResumed(message.retry))
        flight = self._flights.get(parked)
        if flight is not None and message.retry:
            await self._deliver_again(flight)
        elif flight is not None:
            flight.is_done = True
        await self._advance()
        return self._figures()

    @handler
    async def again(self, message: Again) -> None:
        """Deliver a message once more, after a pause."""
        flight = self._flights.get(message.offset)
        if flight is not None and not flight.is_done and self.state.parked is None:
            await self._deliver_again(flight)
        await self._advance()

    @handler
    async def unconfirmed(self, message: Unconfirmed) -> None:
        """Count a delivery that was not confirmed in time as one that has failed."""
        flight, given = self._flights.get(message.offset), self._given
        if flight is None or given is None or flight.is_done:
            return
        if self.state.parked is not None:
            self._start_clock(flight, given)
            return
        waiting_for = f"the confirmation of {self._begun.name} for {message.offset}"
        error = DeadlineExceeded(waiting_for=waiting_for, timeout=given.redeliver_after)
        await self.persist(CursorFailed(message.offset))
        if self.state.failures[message.offset] < given.attempts:
            await self._deliver_again(flight)
        else:
            await self._poison(flight, given, error)
        await self._advance()

    # -- one step

    async def _advance(self, *, write: bool = False) -> None:
        """See to all that is done, hand over what there is room for, write what is confirmed."""
        while True:
            while self._landings.done:
                flight, error = self._landings.done.popleft()
                # One of an earlier subscriber, or delivered again meanwhile.
                if self._flights.get(flight.delivery.offset) is flight:
                    await self._landed(flight, error)
            self._clear()
            if self._read < self._head:
                await self._deliver()
            has_room = self._clear()
            has_room = await self._write(at_once=write) or has_room
            if not self._landings.done and not has_room:
                break
        self._tell()

    async def _landed(self, flight: Flight, error: BaseException | None) -> None:
        given = self._given
        if given is None:
            return
        if error is None:
            flight.is_done = flight.is_done or given.confirm is Confirmation.WHEN_HANDLED
        elif not has_failed(error):
            if flight.delivery.offset in self.state.handed:
                await self.persist(CursorReturned((flight.delivery.offset,)))
            self._pause(flight, given, 0)
        else:
            await self.persist(CursorFailed(flight.delivery.offset))
            failures = self.state.failures[flight.delivery.offset]
            if failures < given.attempts and not isinstance(error, Refused | UnhandledError):
                self._pause(flight, given, failures - 1)
            else:
                await self._poison(flight, given, error)

    def _pause(self, flight: Flight, given: SubscribeDurably, round_: int) -> None:
        offset = flight.delivery.offset
        self._stop_clocks(offset)
        after = given.backoff.delay(round_, self.context.random)
        self._has_clocks = True
        self.context.start_timer(offset, Again(offset), after=after)

    async def _poison(
        self, flight: Flight, given: SubscribeDurably, error: BaseException | None
    ) -> None:
        """Have a message among the dead letters, for good, and go on or stand still."""
        self._skipped += 1
        bury(given.ref.cell, Envelope(flight.delivery, None, None, None), reason_of(error), error)
        letters: Any = self.context.system.dead_letters
        if letters.is_durable:
            try:
                await letters.stored()
            except JournalError as problem:
                self.context.log.warning("dead_letter_not_stored", error=str(problem))
        if given.on_poison is OnPoison.SKIP:
            flight.is_done = True
        else:
            await self.persist(CursorParked(flight.delivery.offset))

    # -- delivery

    async def _deliver(self) -> None:
        given = self._given
        ready: list[Flight] = []
        while given is not None and self.state.parked is None and self._read < self._head:
            if not self._has_room():
                break
            next_ = self._reading.next(self._read, self._head) or await self._read_ahead(given)
            explicit = given.confirm is Confirmation.EXPLICIT
            if next_ is None or not self._doubts.may_go(
                next_, self._flights.values(), explicit=explicit
            ):
                break
            stored = self._reading.take()
            self._read = stored.sequence
            event = stored.event
            if not isinstance(event, TopicPublished) or not self._is_wanted(event):
                continue
            failures = self.state.failures.get(event.offset)
            if failures == SETTLED:
                self._doubts.pass_over()
                continue
            flight = self._flight_of(event, stored, repeated=bool(failures))
            if failures is not None and failures >= given.attempts:
                # Its last attempt has ended the process, or that ended before it was noted.
                await self._poison(flight, given, None)
            else:
                ready.append(flight)
        if given is not None and ready:
            await self._hand(ready, given)

    async def _read_ahead(self, given: SubscribeDurably) -> int | None:
        """Read on; return the offset of what comes next, None if nothing does."""
        found = await self._reading.read_on(self._read, self._head)
        first = self._head + 1 if found is None else found
        if first > self._read + 1:
            self._tell_of_gap(given, first)
        return found

    def _tell_of_gap(self, given: SubscribeDurably, first: int) -> None:
        self._missed += first - self._read - 1
        missed = MessagesMissed(given.name, self._read, first, self._topic)
        self._read = first - 1
        self.context.log.warning("messages_missed", subscription=given.name, before=first)
        self._put(given.ref, missed)

    def _is_wanted(self, event: TopicPublished) -> bool:
        return bool(self._wanted.route(event.message.__class__, event.name))

    def _flight_of(self, event: TopicPublished, stored: Entry, *, repeated: bool) -> Flight:
        """Make a delivery of a message, which may have been delivered before."""
        in_doubt = self._doubts.is_in_doubt(event.offset)
        repeated = self._doubts.was_delivered(event.offset) or repeated or in_doubt
        delivery = Delivery(
            message=event.message,
            offset=event.offset,
            subscription=self._begun.name,
            name=event.name,
            key=event.key,
            published=stored.time,
            topic=self._topic,
            redelivered=repeated,
        )
        flight = Flight(self._landings, delivery, is_in_doubt=in_doubt)
        self._flights[event.offset] = flight
        return flight

    async def _deliver_again(self, flight: Flight) -> None:
        """Hand a message over once more, in its old place."""
        given = self._given
        if given is None:
            return
        again = replace(flight.delivery, redelivered=True)
        new = Flight(self._landings, again, is_in_doubt=flight.is_in_doubt)
        self._flights[again.offset] = new
        await self._hand([new], given)

    async def _hand(self, flights: list[Flight], given: SubscribeDurably) -> None:
        known = self.state.handed
        doubtful = [each.delivery.offset for each in flights if each.is_in_doubt]
        if doubtful:
            await self.persist(*[CursorHanded(each) for each in doubtful if each not in known])
        for flight in flights:
            self._delivered += 1
            self._start_clock(flight, given)
            try:
                self._put(given.ref, Envelope(flight.delivery, flight, self.actor_ref, None))
            except Exception as error:  # noqa: BLE001 - a priority's key is the user's function
                flight.complete(None, error)

    def _start_clock(self, flight: Flight, given: SubscribeDurably) -> None:
        """Let it be confirmed in time."""
        after, offset = given.redeliver_after, flight.delivery.offset
        if after is not None:
            self._has_clocks = True
            self.context.start_timer(("unconfirmed", offset), Unconfirmed(offset), after=after)

    def _put(self, ref: ActorRef[Any], item: Any) -> None:
        system = self.context.system
        ref.tell(system.enveloped(item) if system.traces or system.taps else item)

    def _read_on_behind(self, offset: int) -> None:
        """Read no more of what lies up to an offset."""
        self._read = offset
        self._reading.forget(offset)

    def _part(self) -> None:
        """Deliver nothing to whoever was served up to now; go back to what is confirmed."""
        if self._given is not None:
            self.context.unwatch(self._given.ref)
        self._given = None
        reached = self._reached
        self._is_news = self._is_news or bool(self._flights)
        for offset in self._flights:
            self._stop_clocks(offset)
        self._flights.clear()
        if self._read > reached:
            self._read = reached
            self._reading.clear()

    # -- figures

    def _figures(self) -> DurableSubscription:
        confirmed = self._reached
        return DurableSubscription(
            name=self._begun.name,
            ref=None if self._given is None else self._given.ref,
            confirmed=confirmed,
            lag=max(0, self._head - confirmed),
            in_flight=len(self._flights),
            delivered=self._delivered,
            skipped=self._skipped,
            missed=self._missed,
            parked=self.state.parked,
        )

    def _tell(self) -> None:
        """Let the topic know what it has to do something about; the rest it looks up."""
        ref = None if self._given is None else self._given.ref
        news = (ref, self._confirmed)
        if news != self._told:
            self._told = news
            self._topic.cell.post_internal(Progress(self._begun.name, *news))
