"""How a machine takes an event: what is the same for each, whatever it declares.

Theory of operation
===================

All that counts is in the :class:`Situation`, the fold over the journal (``_fold``): state, data,
timers, postponed and inserted events, and the transition whose actions are under way. What stands
beside it can be made anew: alarm clocks, and who waits for the answer to a postponed event.

An event from the mailbox is taken in this order. The rule is chosen; a no raises, and changes
nothing. The transition is stored as one record, which says also which actions are about to run.
They run one after the other, each stored when it is done, and then the answer is given. At last
come the inserted events, those that were postponed, and timers of no time, until none is left;
then the mailbox again. What an incarnation leaves over the next one finishes first.

Who asked and was postponed is kept in the runtime's stash (``_callers``), so that a stop, a kill
or a restart treats it as it treats any message. The event itself is in the journal.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, NamedTuple, cast, final

from dramaturg.actors import DeadLetterReason, DeadlineExceeded, EventSourced, Refused, TypeRegistry
from dramaturg.actors._cell import Cell
from dramaturg.actors._letters import bury, crashed
from dramaturg.actors._signals import Internal
from dramaturg.protocols.state_machines._alarms import Alarms
from dramaturg.protocols.state_machines._callers import answer, hold, release, unhurried
from dramaturg.protocols.state_machines._checks import promises_status
from dramaturg.protocols.state_machines._decide import began, choose, moved
from dramaturg.protocols.state_machines._definition import Action, Definition, Rule
from dramaturg.protocols.state_machines._errors import (
    MachineChanged,
    NoTransition,
    TooManyPostponed,
)
from dramaturg.protocols.state_machines._fold import fold
from dramaturg.protocols.state_machines._records import (
    RECORDS,
    Acting,
    Done,
    Dropped,
    Origin,
    Postponed,
    Record,
    Running,
    Situation,
    Waiting,
)
from dramaturg.protocols.state_machines._step import Step
from dramaturg.protocols.state_machines._timer import Timeout

__all__ = ["Machine", "Outcome", "event_of"]


class Outcome(NamedTuple):
    """What an event has led to, for who asked."""

    value: Any = None
    error: BaseException | None = None


class Machine(EventSourced[Any]):
    """A machine without a declaration; see :class:`StateMachine`."""

    types: ClassVar[TypeRegistry] = RECORDS
    max_postponed: ClassVar[int] = 1_000
    """So many events may be postponed at a time."""

    _definition: ClassVar[Definition]
    _alarms: Alarms
    _outcomes: dict[int, Outcome]
    """Of postponed events whose askers have not come back from the mailbox yet."""
    _goes_on: bool

    # -- what StateMachine says ------------------------------------------------------------

    def begin_with(self) -> Any:
        """Return the data when it begins."""
        raise NotImplementedError

    def on_ready(self) -> Any:
        """Run before anything goes on."""

    @property
    def status(self) -> Any:
        """How it stands."""
        raise NotImplementedError

    # -- the journal -----------------------------------------------------------------------

    def initial_state(self) -> Situation:
        """Return what is before the first record."""
        return Situation(state="")

    def apply(self, state: Situation, event: Record) -> Situation:
        """Return the situation after a record."""
        return fold(self._definition, state, event)

    async def on_recovered(self) -> None:
        """Begin, or go on where the journal ends; subclasses have :meth:`on_ready`."""
        self._alarms = Alarms()
        self._outcomes = {}
        self._goes_on = False
        if not self._state.state:
            await self.persist(began(self._definition, self.begin_with(), self._now()))
        acting: Acting | None = self._state.acting
        if acting is not None:
            self._action(acting)
        self._alarms.follow(self.context, self._state.timers)
        ready = self.on_ready()
        if inspect.isawaitable(ready):
            await ready
        if self._is_left_over():
            # A failure in there is one of an event, not of the start: policies tell them apart.
            self._cell.put_back([_GoOn()])

    def _now(self) -> float:
        return self.context.clock.time().timestamp()

    async def _stored(self, record: Record) -> None:
        await self.persist(record)
        self._alarms.follow(self.context, self._state.timers)

    def _check_room(self, event: Any) -> None:
        now: Situation = self._state
        if len(now.postponed) + len(now.retrying) >= self.max_postponed:
            state = self._definition.state(now.state)
            raise TooManyPostponed(
                machine=self.context.path,
                state=state,
                event=event,
                allowed=self._definition.allowed(state),
                capacity=self.max_postponed,
            )

    # -- transitions -----------------------------------------------------------------------

    async def _transition(self, rule: Rule, event: Any, origin: Origin) -> Outcome:
        """Store a transition, then act."""
        now = self._now()
        await self._stored(
            moved(self._definition, self._state, rule, event, origin=origin, now=now)
        )
        return await self._act()

    async def _act(self) -> Outcome:
        """Run the actions that are not known to be done."""
        value: Any = None
        error: BaseException | None = None
        while (acting := self._state.acting) is not None:
            action = self._action(acting)
            step = self._step(acting, action)
            refused: str | None = None
            try:
                result = action.run(self, step)
                if inspect.isawaitable(result):
                    result = await result
            except Refused as no:
                # A declared no is a result: the transition stands, and who asked is told.
                result, refused = None, str(no)
                error = error or no
            await self._stored(Done(action=action.label, inserts=step.inserted, refused=refused))
            if not action.is_hook and result is not None:
                value = result
        return Outcome(value, error)

    def _action(self, acting: Acting) -> Action:
        definition = self._definition
        if acting.rule:
            actions = definition.actions(definition.rule(acting.source, acting.rule))
        else:
            actions = definition.beginning()
        labels = tuple(each.label for each in actions)
        if labels != acting.actions:
            what = f"actions {', '.join(acting.actions)} of {acting.rule or 'the beginning'}"
            raise MachineChanged(machine=definition.machine, what=what, known=labels)
        return actions[acting.next]

    def _step(self, acting: Acting, action: Action) -> Step[Any, Any]:
        definition = self._definition
        return Step(
            event=acting.event,
            data=self._state.data,
            source=definition.state(acting.source),
            target=definition.state(acting.target),
            key=f"{self._stream.persistence_id}/{acting.sequence}/{acting.next}",
            action=action.label,
            is_hook=action.is_hook,
        )

    def _answer_to(self, rule: Rule, event: Any, outcome: Outcome, *, asked: bool) -> Outcome:
        if outcome.error is not None or not asked:
            return outcome
        if rule.line.reply is not None:
            return Outcome(rule.line.reply(self._state.data, event))
        if outcome.value is None and promises_status(type(event)):
            return Outcome(self.status)
        return outcome

    # -- what comes before the mailbox -----------------------------------------------------

    def _is_left_over(self) -> bool:
        now: Situation = self._state
        due = any(each.at_once for each in now.timers)
        return bool(now.acting or now.inserted or now.retrying or due)

    async def go_on(self) -> None:
        """Finish what the last incarnation has left over."""
        self._goes_on = True
        await self._settle()
        self._goes_on = False

    async def _settle(self, *, owing: bool = False) -> None:
        """Take inserted and postponed events, and timers of no time, until none is left.

        :param owing: whether the current message is still to be handled.
        """
        cell = self._cell
        while True:
            now: Situation = self._state
            at_once = [each for each in now.timers if each.at_once]
            if now.acting is not None:
                if not owing and now.acting.event is not None:
                    cell.message = now.acting.event
                event, outcome = now.acting.event, await self._act()
                if outcome.error is not None:
                    answer(cell, event, None, outcome.error)
            elif now.inserted:
                await self._queued(now.inserted[0], "inserted", owing=owing)
            elif now.retrying:
                waiting = now.retrying[0]
                await self._queued(waiting.event, "postponed", waiting, owing=owing)
            elif at_once:
                await self._queued(event_of(at_once[0]), "timer", owing=owing)
            else:
                return

    async def _queued(
        self, event: Any, origin: Origin, waiting: Waiting | None = None, *, owing: bool = False
    ) -> None:
        """Take an event that was accepted before; one that leads nowhere is dropped."""
        cell = self._cell
        held = None if waiting is None else release(cell, waiting.number)
        item = event if held is None else unhurried(held)
        if not owing:
            cell.message = item
        try:
            outcome = await self._dealt_with(event, origin, waiting, held)
        except BaseException as error:
            if owing and held is not None:  # else the runtime sees to it
                crashed(cell, held, error)
            raise
        if outcome is None:
            return
        if self._goes_on and waiting is not None and held is None:
            self._outcomes[waiting.number] = outcome
        answer(cell, item, *outcome)

    async def _dealt_with(
        self, event: Any, origin: Origin, waiting: Waiting | None, held: Any
    ) -> Outcome | None:
        """Return what an event has led to; None if it waits again, or nobody waits for it."""
        cell = self._cell
        if waiting is not None and waiting.expires is not None and self._now() > waiting.expires:
            late = DeadlineExceeded(waiting_for=self.context.path, timeout=None)
            await self._stored(Dropped(event=event, origin=origin, why=str(late)))
            bury(cell, event if held is None else held, DeadLetterReason.EXPIRED, late)
            return None
        try:
            rule = choose(self._definition, self._state, event, self.context.path)
            if rule.line.outcome == "postpone" and origin != "postponed":
                self._check_room(event)
        except NoTransition as no:
            await self._stored(Dropped(event=event, origin=origin, why=no.reason))
            return Outcome(None, no)
        if rule.line.outcome == "postpone":
            await self._stored(Postponed(event=event, origin=origin))
            if waiting is not None and held is not None:
                hold(cell, held, waiting.number)
            return None
        outcome = await self._transition(rule, event, origin)
        # One that asked before a restart may yet come back from the mailbox.
        asked = held is not None or waiting is not None
        return self._answer_to(rule, event, outcome, asked=asked)


@final
class _GoOn(Internal):
    """Finish first what the last incarnation has left over."""

    __slots__ = ()

    def handle(self, cell: Cell) -> Any:
        return cast("Machine", cell.actor).go_on()


def event_of(timer: Running) -> Timeout:
    return Timeout(kind=timer.kind, name=timer.name, content=timer.content)
