"""Routers: one ref in front of many actors.

A router is an actor. It passes each message on in the turn in which it comes to
it (``_router_delivery``), to the routee that its logic chooses (``_router_logic``);
the few messages that it understands itself are in ``_router_messages``.

It watches its routees. The notice of an end stands behind the messages that
wait already, so the router also looks at the door of each routee it is about to
use: one that has closed is *let go* at once, and the logic asked again. What a
routee had been given before it closed is lost to the dead letters, as for any
actor.

A pool's own routee that takes no more messages, but has not ended yet, is
*leaving*: the pool stops when it has neither routees nor leaving ones, since its
own end would cut those short.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._actor import Actor
from dramaturg.actors._envelope import Envelope
from dramaturg.actors._errors import GoneError, OptionError, Refused
from dramaturg.actors._handler import handler
from dramaturg.actors._lifecycle import DrainEnd
from dramaturg.actors._props import Props
from dramaturg.actors._ref import ActorRef
from dramaturg.actors._router_delivery import is_closed, pass_on, unroutable
from dramaturg.actors._router_logic import RoutingState
from dramaturg.actors._router_messages import (
    AddRoutee,
    Broadcast,
    GetRoutees,
    RemoveRoutee,
    Resize,
    Routees,
    check_count,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dramaturg.actors._router_logic import RoutingLogic

__all__ = ["Router"]


@final
@dataclass(frozen=True, slots=True)
class _Ended:
    """A routee has ended for good."""

    ref: ActorRef[Any]


@final
class Router(Actor):
    """An actor that passes messages on to its routees; made by `pool` or `group`.

    ::

        workers = system.spawn(Router.pool(Props(Worker), 4, RoundRobin()), name="workers")
        by_name = system.spawn(Router.group(desks, ConsistentHash(key=lambda m: m.customer)))

    Its ref is used like any ref. The routee sees the message as it was sent,
    with its sender, deadline and ids, and answers the caller itself. Sent to
    several, a request is answered by the first that replies, and fails only if
    all do.

    Order: the messages of one sender that go to the same routee arrive in the
    order in which they were sent. Each arrives at most once.

    A routee that stops is removed, one that restarts stays. With no routee, or
    none that the logic could choose, a message is a dead letter (``UNROUTABLE``)
    and its request fails with :class:`UnroutableError`. A router never waits: what
    finds a routee's bounded mailbox full is a dead letter (``OVERFLOW``), also
    under ``Overflow.BLOCK``.

    A restart of the router (by a policy; the default is to stop) begins anew: a pool
    with fresh routees, a group with the refs that it was given.

    A circle of requests that goes through a router is found when the router passes
    the request on: the request then fails with :class:`RequestCycleError`. What is
    sent to several routees waits for nobody in particular and is not looked at.
    """

    @staticmethod
    def pool(actor: Props[Any] | type[Any], size: int, logic: RoutingLogic) -> Props[Router]:
        """Make the recipe of a router that has routees of its own, as its children.

        They are named $a, $b, ... and so on. The pool stops when the last routee has ended.
        Stopping it stops them; draining it drains them: everything that was
        sent before is handled. What becomes of a routee that fails is up to its
        policy: ``Props(Worker).using(policy=Directive.RESTART)``.

        Spawning it raises :class:`StartFailed` if a routee does not start.

        :param actor: a class, if its ``__init__`` needs no arguments, or :class:`Props`.
        :param size: how many routees; see :class:`Resize`.
        :raises OptionError: for a size below 1, or what is no actor or no logic.
        """
        child: Props[Any] = actor if isinstance(actor, Props) else Props(actor)
        check_count("size", size)
        return Props(Router, _checked(logic), child=child, size=size)

    @staticmethod
    def group(refs: Iterable[ActorRef[Any]], logic: RoutingLogic) -> Props[Router]:
        """Make the recipe of a router for actors that live elsewhere.

        It removes those that end, and neither stops them nor ends with them.

        :param refs: the routees, each once.
        :raises OptionError: for no ref, what is not a ref, the same ref twice, or no logic.
        """
        given = tuple(refs)
        distinct = {ref for ref in given if isinstance(ref, ActorRef)}  # pyright: ignore[reportUnnecessaryIsInstance] - checked here
        if not given or len(distinct) < len(given):
            raise OptionError(option="refs", value=given, expected="at least one ref, each once")
        return Props(Router, _checked(logic), refs=given)

    def __init__(
        self,
        logic: RoutingLogic,
        *,
        refs: tuple[ActorRef[Any], ...] = (),
        child: Props[Any] | None = None,
        size: int = 0,
    ) -> None:
        self._logic = logic
        self._child = child
        self._routees: tuple[ActorRef[Any], ...] = ()
        self._leaving: set[ActorRef[Any]] = set()
        self._state = RoutingState(self.context.random)
        self._spawned = 0
        self._admit(refs if child is None else self._spawn(child, size))

    def __repr__(self) -> str:
        return (
            f"<Router {self._logic!r} routees={len(self._routees)} leaving={len(self._leaving)}"
            f" routed={self._state.routed}>"
        )

    # -- messages for routees

    @handler
    def route(self, message: Any) -> None:
        """Pass the message on to whom the logic chooses."""
        cell = self._cell
        item = cell.message
        try:
            chosen = self._choose(message)
        except Exception as error:  # noqa: BLE001 - the logic and its key are the user's
            unroutable(cell, item, f"{self._logic!r} failed", error)
        else:
            pass_on(cell, chosen, item)
        self._state.routed += 1
        # Taking the message away tells the cell that somebody else answers.
        cell.message = None

    @handler
    def broadcast(self, message: Broadcast) -> None:
        """Pass what is in it on to all."""
        cell = self._cell
        item: Any = cell.message
        routees = self._open_routees()
        inner = message.message
        if item.__class__ is Envelope:
            inner = Envelope(inner, item.reply, item.sender, item.deadline, item.headers)
        pass_on(cell, routees, inner if routees else item)
        cell.message = None

    def _choose(self, message: Any) -> Sequence[ActorRef[Any]]:
        while routees := self._routees:
            chosen = self._logic.choose(routees, message, self._state)
            for ref in chosen:
                if is_closed(ref.cell) and ref in routees:
                    self._let_go(ref)
            if self._routees is routees:
                return chosen
        return ()

    # -- who the routees are

    @handler
    def get_routees(self, message: GetRoutees) -> Routees:  # noqa: ARG002 - a handler takes its message
        """Answer with those that take messages."""
        return Routees(self._open_routees())

    @handler
    def add_routee(self, message: AddRoutee) -> None:
        """Admit one that may live elsewhere."""
        if message.ref == self.actor_ref:
            raise Refused("a router cannot be its own routee")
        if message.ref not in self._routees:
            self._admit((message.ref,))

    @handler
    def remove_routee(self, message: RemoveRoutee) -> None:
        """Let one go, in peace."""
        if message.ref in self._routees:
            self._retire(message.ref)

    @handler
    def resize(self, message: Resize) -> None:
        """Start or retire routees."""
        if self._child is None:
            raise Refused("a group has no size: its routees are not its own")
        routees = self._open_routees()
        for ref in reversed(routees[message.size :]):
            self._retire(ref)
        try:
            self._admit(self._spawn(self._child, message.size - len(routees)))
        except GoneError as error:
            raise Refused("a routee did not start", cause=str(error)) from error

    @handler
    def routee_ended(self, message: _Ended) -> None:
        """Remove it; a pool ends with its last one."""
        self._leaving.discard(message.ref)
        self._remove(message.ref)
        self._stop_if_deserted()

    @handler
    def drained(self, message: DrainEnd) -> None:
        """Drain the pool's own routees, before their parent's end would cut them short."""
        for ref in self._routees:
            self._retire(ref)
        if not self._leaving:
            message.handle(self._cell)

    def _open_routees(self) -> tuple[ActorRef[Any], ...]:
        for ref in self._routees:
            if is_closed(ref.cell):
                self._let_go(ref)
        return self._routees

    def _spawn(self, actor: Props[Any], count: int) -> tuple[ActorRef[Any], ...]:
        refs: list[ActorRef[Any]] = []
        try:
            for _ in range(count):
                self._spawned += 1
                refs.append(self.context.spawn(actor, name=_name(self._spawned)))
        except BaseException:
            for ref in refs:
                ref.request_stop()
            raise
        return tuple(refs)

    def _admit(self, refs: tuple[ActorRef[Any], ...]) -> None:
        for ref in refs:
            self.context.watch(ref, _Ended(ref))
        self._routees += refs
        self._state.memo = None

    def _remove(self, ref: ActorRef[Any]) -> None:
        self._routees = tuple(each for each in self._routees if each != ref)
        self._state.memo = None

    def _let_go(self, ref: ActorRef[Any]) -> None:
        """Send no more to it; the end of an own child is to be waited for."""
        self._remove(ref)
        if self._owns(ref):
            self._leaving.add(ref)
        else:
            self.context.unwatch(ref)
        self._stop_if_deserted()

    def _retire(self, ref: ActorRef[Any]) -> None:
        self._let_go(ref)
        if self._owns(ref):
            ref.drain(block=False)

    def _owns(self, ref: ActorRef[Any]) -> bool:
        return ref.cell.parent is self._cell

    def _stop_if_deserted(self) -> None:
        if self._child is not None and not self._routees and not self._leaving:
            self.context.stop_self()


def _checked(logic: RoutingLogic) -> RoutingLogic:
    if isinstance(logic, type) or not callable(getattr(logic, "choose", None)):
        raise OptionError(option="logic", value=logic, expected="a RoutingLogic like RoundRobin()")
    return logic


def _name(number: int) -> str:
    """Name a pool's routees as Akka does: $a to $z, then $aa, $ab and so on."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = "abcdefghijklmnopqrstuvwxyz"[letter] + letters
    return f"${letters}"
