"""The actor that users subclass: a declaration, and what comes from outside."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar, cast

from dramaturg.actors import HandlerDefinitionError, TypeRegistry, handler
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols.state_machines._alarms import Late, Tick, first_due
from dramaturg.protocols.state_machines._callers import (
    Held,
    answer,
    expiry,
    hold,
    is_asked,
    unhurried,
)
from dramaturg.protocols.state_machines._conversation import conversation
from dramaturg.protocols.state_machines._core import Machine, event_of
from dramaturg.protocols.state_machines._decide import choose
from dramaturg.protocols.state_machines._declared import declared, stored_types
from dramaturg.protocols.state_machines._definition import Definition, Rule
from dramaturg.protocols.state_machines._diagram import diagram
from dramaturg.protocols.state_machines._errors import (
    AlreadyHandled,
    MachineDefinitionError,
    UnknownTransition,
)
from dramaturg.protocols.state_machines._records import Postponed, Situation
from dramaturg.protocols.state_machines._table import Table
from dramaturg.protocols.state_machines._timer import Timeout, Timer
from dramaturg.protocols.state_machines._view import (
    GetDiagram,
    GetHistory,
    GetStatus,
    MachineHistory,
    MachineStatus,
    entry_of,
)

__all__ = ["StateMachine"]

S = TypeVar("S", bound=Enum)
D = TypeVar("D")


class StateMachine(Machine, Generic[S, D]):
    """A declared state machine, by the rules of OTP's ``gen_statem``; an event-sourced actor.

    ::

        class Order(StateMachine[OrderState, OrderData]):
            initial = NEW
            initial_data = OrderData()
            final = {SHIPPED, CANCELLED}
            table = transitions(
                on(Pay).at(NEW).to(PAID).when(is_enough).updating(paid).do(charge),
                on(Ship).at(PAID).to(SHIPPED),
                postpone(Ship).at(NEW),
                on(Cancel).at(NEW, PAID).to(CANCELLED),
                after(60.0).at(NEW).to(CANCELLED),
            )

    Any message of a type that the table names is an event, told or requested. A request is
    answered with what the transition's last action returns, else with a :class:`MachineStatus`.
    An event that leads nowhere raises :class:`NoTransition` to who asked, or is a dead letter;
    nothing is changed by it. Of several transitions of a state for an event the first counts
    whose guards hold. Queries may be handlers, as in any actor; they read ``state`` and ``data``.

    Each transition is in the journal before its actions run, and so the machine goes on in any
    state: with its data, its postponed events and what is left of its timers. An action that is
    not known to be done is run again, under the same key; one that raises fails the actor.

    :raises MachineDefinitionError: when a subclass with a table is defined, if the table is wrong.
    :raises HandlerDefinitionError: when a subclass is defined that overrides ``on_recovered``.
    """

    table: ClassVar[Table | None] = None
    final: ClassVar[Collection[Any]] = ()
    """The states in which it ends: nothing leads away from them."""
    initial_data: ClassVar[Any] = None
    """The data when it begins; or override :meth:`begin_with`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if cls.table is not None:
            cls._definition = declared(cls, StateMachine)
            cls.types = stored_types(cls, cls._definition, vars(cls).get("types", TypeRegistry()))
        super().__init_subclass__(**kwargs)
        if cls.on_recovered is not Machine.on_recovered:
            problem = "is how it goes on: write on_ready instead"
            raise HandlerDefinitionError(
                owner=cls.__qualname__, method="on_recovered", problem=problem
            )

    # -- what a subclass says --------------------------------------------------------------

    def begin_with(self) -> D:
        """Return the data when it begins, which is stored then; default ``initial_data``."""
        return cast("D", self.initial_data)

    def on_ready(self) -> Any:
        """Run when state and data are there, before anything goes on; ``def`` or ``async def``."""

    def initial_state(self) -> Situation:
        """Return what is before the first record.

        :raises MachineDefinitionError: if there is no table.
        """
        self._declared_machine()
        return super().initial_state()

    # -- what it can do --------------------------------------------------------------------

    @property
    def state(self) -> S:
        """The state; only events change it."""
        return cast("S", self._definition.state(self._state.state))

    @property
    def data(self) -> D:
        """The data; only events change them."""
        return cast("D", self._state.data)

    @property
    def status(self) -> MachineStatus[S, D]:
        """How it stands."""
        now: Situation = self._state
        return MachineStatus(
            state=self.state,
            data=self.data,
            sequence=now.sequence,
            since=datetime.fromtimestamp(now.since, UTC),
            allowed=self._definition.allowed(self.state),
            timers=tuple(
                (str(Timer(each.name, each.kind)), datetime.fromtimestamp(each.due, UTC))
                for each in now.timers
            ),
            postponed=tuple(each.event for each in (*now.retrying, *now.postponed)),
        )

    @classmethod
    def diagram(cls, current: S | None = None) -> str:
        """Draw the machine as a Mermaid state diagram, a state marked if one is given.

        :raises MachineDefinitionError: if it has no table.
        """
        return diagram(cls._declared_machine(), current)

    @classmethod
    def protocol(cls) -> Protocol:
        """Declare that each request is answered once, and how; monitor it ``by_request``.

        In which state which event leads where is the table's business, and in no protocol.

        :raises MachineDefinitionError: if it has no table.
        """
        return conversation(cls.__name__, cls._declared_machine())

    @classmethod
    def _declared_machine(cls) -> Definition:
        if cls.table is None:
            problem = "is missing: expected what transitions(...) returns"
            raise MachineDefinitionError(machine=cls.__qualname__, part="table", problem=problem)
        return cls._definition

    # -- events ----------------------------------------------------------------------------

    @handler
    async def _take_event(self, event: Any) -> Any:
        """Take an event from the mailbox: whatever has no handler of its own."""
        cell, item = self._cell, self._cell.message
        self._outcomes.clear()
        if self._is_left_over():  # a policy has resumed the actor
            cell.message = unhurried(item)
            await self._settle(owing=True)
            cell.message = item
        rule = self._chosen(event)
        if rule.line.outcome == "postpone":
            await self._put_aside(item, event)
            return None
        cell.message = unhurried(item)
        outcome = await self._transition(rule, event, "mailbox")
        value, error = self._answer_to(rule, event, outcome, asked=is_asked(item))
        if not self._is_left_over():
            cell.message = item
            if error is not None:
                raise error
            return value
        answer(cell, item, value, error)
        await self._settle()
        return None

    def _chosen(self, event: Any) -> Rule:
        definition, now, path = self._definition, self._state, self.context.path
        allowed = definition.allowed(self.state)
        if isinstance(event, Timeout):  # only its own timers make them
            raise UnknownTransition(machine=path, state=self.state, event=event, allowed=allowed)
        rule = choose(definition, now, event, path)
        if rule.line.outcome == "postpone":
            self._check_room(event)
        return rule

    async def _put_aside(self, item: Any, event: Any) -> None:
        cell = self._cell
        await self._stored(Postponed(event=event, origin="mailbox", expires=expiry(cell, item)))
        if is_asked(item):
            hold(cell, item, self._state.sequence)
        # Taking the message away tells the cell not to answer its request.
        cell.message = None

    @handler
    async def _take_held(self, held: Held) -> Any:
        """Take back who waits for a postponed event: this is another incarnation."""
        cell, item = self._cell, self._cell.message
        now: Situation = self._state
        if held.number in (each.number for each in (*now.retrying, *now.postponed)):
            if is_asked(item):
                hold(cell, item, held.number)
            cell.message = None
            return None
        outcome = self._outcomes.pop(held.number, None)
        if outcome is None:
            raise AlreadyHandled(
                machine=self.context.path,
                state=self.state,
                event=held.event,
                allowed=self._definition.allowed(self.state),
            )
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    @handler
    async def _take_tick(self, tick: Tick) -> None:
        """Take the event of a timer that has run out."""
        if self._is_left_over():
            await self._settle()
        timer = first_due(self._state.timers, tick, self._now())
        if timer is None:
            return
        if (timer.kind, timer.name) != (tick.kind, tick.name):
            self._cell.put_back([Late(tick)])
        await self._queued(event_of(timer), "timer")
        await self._settle()

    # -- questions -------------------------------------------------------------------------

    @handler
    async def _get_status(self, request: GetStatus) -> MachineStatus[Any, Any]:  # noqa: ARG002
        return self.status

    @handler
    async def _get_diagram(self, request: GetDiagram) -> str:  # noqa: ARG002
        return self.diagram(self.state)

    @handler
    async def _get_history(self, request: GetHistory) -> MachineHistory:  # noqa: ARG002
        system, stream = self.context.system, self._stream
        journal, codec = system.journal, system.journal_codec(self.types)
        assert journal is not None  # noqa: S101 - it has recovered from it
        entries = [
            entry_of(
                each.sequence,
                each.time,
                cast("Any", codec.decode(each.payload, object)),
                each.cause,
            )
            async for each in journal.read(stream.persistence_id)
        ]
        return MachineHistory(stream.persistence_id, tuple(entries))
