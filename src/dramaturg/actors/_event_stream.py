"""The stream of lifecycle events, and of whatever else is published."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._endings import ended
from dramaturg.actors._errors import OptionError
from dramaturg.actors._ref import ActorRef

if TYPE_CHECKING:
    from collections.abc import Callable

    from dramaturg.actors._log import Log

__all__ = ["EventStream", "Subscription"]


@final
class Subscription:
    """One subscriber's entry; :meth:`cancel` ends it."""

    __slots__ = ("_stream", "callback", "types")

    def __init__(
        self, stream: EventStream, callback: Callable[[Any], object], types: tuple[type, ...]
    ) -> None:
        self._stream = stream
        self.callback = callback
        self.types = types

    def cancel(self) -> None:
        """End the subscription; doing so twice is harmless."""
        self._stream.remove(self)

    def __repr__(self) -> str:
        return f"<Subscription {self.callback!r} to {[t.__name__ for t in self.types]}>"


@final
class EventStream:
    """Hands each published event to the subscribers of its type.

    Callbacks run in the thread that publishes, at once and in the order of
    subscription: keep them short and do not block in them. An actor's ref may
    subscribe too and gets the events as messages. A callback that raises is
    logged and the others still run. Safe from any thread.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._subscriptions: tuple[Subscription, ...] = ()
        self._routes: dict[Any, tuple[Subscription, ...]] = {}
        self._lock = threading.Lock()

    def subscribe(self, subscriber: Callable[[Any], object] | Any, *types: type) -> Subscription:
        """Subscribe a callable or a ref to events of these types and their subclasses.

        :raises OptionError: if no type is given, or the subscriber is neither.
        """
        if not types or not all(isinstance(t, type) for t in types):
            raise OptionError(
                option="types",
                value=types,
                expected="classes of events: subscribe(callback, ActorFailed)",
            )
        callback = getattr(subscriber, "tell", subscriber)
        if not callable(callback):
            raise OptionError(
                option="subscriber", value=subscriber, expected="a callable or an ActorRef"
            )
        subscription = Subscription(self, callback, types)
        with self._lock:
            if isinstance(subscriber, ActorRef):
                # An actor subscribes again whenever it is restarted.
                for each in self._subscriptions:
                    if each.callback == callback and each.types == types:
                        return each
            self._subscriptions = (*self._subscriptions, subscription)
            self._routes = {}
        if isinstance(subscriber, ActorRef):
            ended(subscriber.cell).add_done_callback(subscription.cancel)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        """End a subscription."""
        with self._lock:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
            self._routes = {}

    def wants(self, event_type: type) -> bool:
        """Tell whether anybody has subscribed to events of this very type."""
        return bool(self._route(event_type))

    def wants_any(self, event_types: tuple[type, ...]) -> bool:
        """Tell whether anybody has subscribed to events of one of these types."""
        routes = self._routes
        try:
            return bool(routes[event_types])
        except KeyError:
            found = tuple(s for each in event_types for s in self._route(each))
            routes[event_types] = found
            return bool(found)

    def _route(self, event_type: type) -> tuple[Subscription, ...]:
        # Loaded first: who subscribes meanwhile exchanges the table.
        routes = self._routes
        try:
            return routes[event_type]
        except KeyError:
            found = tuple(s for s in self._subscriptions if issubclass(event_type, s.types))
            routes[event_type] = found
            return found

    def publish(self, event: object) -> None:
        """Hand the event to its subscribers."""
        for subscription in self._route(type(event)):
            try:
                subscription.callback(event)
            except Exception as error:  # noqa: BLE001 - a subscriber's fault is not the publisher's
                self._log.error(
                    "subscriber_failed", subscription=repr(subscription), exc_info=error
                )
