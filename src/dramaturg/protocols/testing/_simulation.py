"""Whole actor systems as a kernel: each message, timer and signal is an event that is chosen.

Theory of operation
===================

The system is the real one: cells, mailboxes, supervisors, requests, timers. Two things are
exchanged. Its dispatchers do not run a ready cell but note it (``_simulated_system``); and
its clock and event loop stand still (``_simulated_time``, ``_simulated_loop``). An event lets
one ready cell take one turn of one message, or a timer ring; then the loop runs all that has
become ready by it, in order, until everybody waits again. So what runs between two waits
is atomic, and nothing runs that was not chosen.

A cell takes its messages in the order in which they arrived, as it does in a real system:
who runs first decides who sends first, and so all orders that one process can bring about
come from the choice of cells. What is *promised* is less: only the messages of one sender
stay in order (and the runtime's own, ticks for instance, stay behind what came before).
``any_sender_first=True`` makes each order that is promised a choice, as between machines.

Time jumps to the first timer when no cell is ready and nothing is on its way. While the
network is parted or a node is down, the timers are a choice beside its mending, or else no
timeout would ever be seen. The scenario itself is a task on the same loop: what it awaits is
there when the run has come so far.

There is always one system; :meth:`Simulation.node` adds others, see ``_nodes``.
"""

from __future__ import annotations

import asyncio
from inspect import iscoroutinefunction
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from dramaturg.protocols._borders import INT
from dramaturg.protocols.testing._addresses import name_of
from dramaturg.protocols.testing._borders import check_given, check_kinds, check_scenario
from dramaturg.protocols.testing._errors import EscapeError, ScenarioError
from dramaturg.protocols.testing._escapes import Guards
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults, Network
from dramaturg.protocols.testing._kernel import ALL, Step
from dramaturg.protocols.testing._network import Parcel
from dramaturg.protocols.testing._node import Node, drop_logs
from dramaturg.protocols.testing._nodes import Nodes
from dramaturg.protocols.testing._places import told, told_of_actor, waits_at
from dramaturg.protocols.testing._properties import Broken, Observer, Properties
from dramaturg.protocols.testing._simulated_loop import SimulatedLoop
from dramaturg.protocols.testing._simulated_system import ReadyCells, SimulatedSystem
from dramaturg.protocols.testing._simulated_time import SimulatedClock, SimulatedTimer, Timers
from dramaturg.protocols.testing._simulation_choices import Choices, Delivery
from dramaturg.protocols.testing._simulation_faults import SimulationFaults
from dramaturg.protocols.testing._system_view import SystemView
from dramaturg.protocols.testing._touch import Touch
from dramaturg.protocols.testing._who import fields_of, living, place_of, running, who_waits

if TYPE_CHECKING:
    from collections.abc import (
        Awaitable,
        Callable,
        Collection,
        Coroutine,
        Iterator,
        Mapping,
        Sequence,
    )

    from dramaturg.actors import ActorRef, ActorSystem
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols.testing._fault_targets import FaultTargets
    from dramaturg.protocols.testing._properties import Check

__all__ = ["Simulation", "SystemScenario"]

SystemScenario: TypeAlias = "Callable[[Simulation], Awaitable[object]]"

FAREWELLS = 3
"""So often whoever is left at the end of a run is cancelled."""

SETTLING = 10_000
"""So many events the end of a run may take, once it is over."""


def _check(scenario: object, network: object, seed: object, **options: object) -> None:
    if not iscoroutinefunction(scenario):  # a search makes many with the same
        check_scenario(scenario, system=True)
    check_given(network=network, **options)
    check_kinds(seed=(seed, INT))
    if network is Network.REPEATING:
        raise ScenarioError(
            thing="network=Network.REPEATING",
            problem="is only for plain actors",
            expected="Network.FIFO or Network.UNORDERED, and Faults(duplicates=...)",
        )


class Simulation:
    """One run of a scenario on a whole actor system, or on several.

    :param scenario: awaited inside the simulation, with this object.
    :param faults: the budgets of what may go wrong.
    :param seed: of the system's random source and ids.
    :param allow: what of the outside may be used: "clock", "sleep", "random", "thread", "socket".
    :param any_sender_first: let messages of different senders overtake each other.
    :param network: what the network between nodes promises; default first in, first out.
    :param horizon: seconds of virtual time after which no timer rings any more.
    :param find_out_touched: note what each step touches, for ``exhaustive``.
    :raises ScenarioError: for an unknown name in ``allow``, a network that repeats, or what is
        no faults, network or horizon.
    """

    def __init__(
        self,
        scenario: SystemScenario,
        *,
        faults: Faults = NO_FAULTS,
        seed: int = 0,
        allow: Collection[str] = (),
        any_sender_first: bool = False,
        network: Network = Network.FIFO,
        horizon: float = 3_600.0,
        find_out_touched: bool = False,
    ) -> None:
        options = {"faults": faults, "allow": allow, "horizon": horizon}
        _check(scenario, network, seed, any_sender_first=any_sender_first, **options)
        self._scenario = scenario
        self.network = network
        self._horizon = horizon
        self.steps: list[Step] = []
        self.history: list[Any] = []
        self.properties = Properties()
        self.random = Random(seed)
        self.timers = Timers(self._running)
        self.loop = SimulatedLoop(self.timers)
        self.cells = ReadyCells()
        self._choices = Choices(self.cells, any_sender_first=any_sender_first)
        self.slow: dict[Cell, None] = {}
        """Who takes no turn until a timer has rung."""
        self._system = SimulatedSystem(
            "simulation",
            self.cells,
            clock=SimulatedClock(self.timers),
            seed=seed,
            logger=structlog.wrap_logger(None, processors=[drop_logs]),
        )
        self.nodes = Nodes(
            self.cells, self.timers, self.loop, network, seed=seed, home=lambda: self._system
        )
        self._guards = Guards(allow, self._where)
        self._draining = False
        self._ending = False
        self._going_wrong = SimulationFaults(self, faults)
        self._targets: FaultTargets | None = None
        self._observer = Observer(self.properties, SystemView(self))
        self._broken: Broken | None = None
        self._finished = False
        self._over = self.loop.create_future()
        self._enabled: list[Event] | None = None
        self._task: asyncio.Task[None] | None = None
        self._idlers: list[asyncio.Future[None]] = []
        self._times_idle = 0
        self._touch = Touch(self) if find_out_touched else None

    # -- what a scenario says --------------------------------------------------------------

    @property
    def system(self) -> ActorSystem:
        """The system that is always there."""
        return self._system

    def node(self, name: str, start: Callable[[Node], object]) -> Coroutine[Any, Any, Node]:
        """Add a node: a whole system of its own, which a lossy network connects with others.

        ::

            def start_store(node: Node) -> None:
                node.system.spawn(Props(Store, node.disk), name="store")

            store = await sim.node("a", start_store)

        :param name: a word, for addresses and the names of events.
        :param start: a function, also an ``async def`` one, that spawns the node's actors; called
            again whenever the node comes back from a crash.
        :returns: the node, when ``start`` has returned.
        :raises ScenarioError: for a name that is none, or taken.
        """
        adding = self.nodes.add(name, start)
        self.nodes.unawaited.node(name, adding)
        return adding

    def ref(self, address: str) -> ActorRef[Any]:
        """Return a ref by which the scenario reaches an actor: "/till", or on a node "bank/till".

        The actor may come later. What goes between the scenario and a node is spared by the
        faults of the network.

        :raises ScenarioError: if it is no address.
        """
        return self.nodes.ref(self._system, address)

    def always(self, check: Check, name: str | None = None) -> None:
        """Declare what holds from now on, after each event."""
        self.properties.add("always", check, name)

    def at_rest(self, check: Check, name: str | None = None) -> None:
        """Declare what holds when nothing is left to do."""
        self.properties.add("at_rest", check, name)

    def sometimes(self, check: Check, name: str | None = None) -> None:
        """Declare what holds at some moment of some run."""
        self.properties.add("sometimes", check, name)

    def eventually(
        self, check: Check, *, within: float | None = None, name: str | None = None
    ) -> None:
        """Declare what holds at some moment of each run; ``within`` seconds of virtual time."""
        self.properties.add_later("eventually", None, check, within, name)

    def leads_to(
        self, cause: Check, effect: Check, *, within: float | None = None, name: str | None = None
    ) -> None:
        """Declare that whenever the one holds, the other holds then or later."""
        self.properties.add_later("leads_to", cause, effect, within, name)

    async def idle(self) -> float | None:
        """Wait until nothing is left to do at this moment of virtual time.

        :returns: the seconds until the next timer is due; None if there is none.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idlers.append(done)
        await done
        due = min((timer.due for timer in self.timers.living()), default=None)
        return None if due is None else max(0.0, due - self.timers.now)

    def keeps_time(self) -> tuple[str, ...]:
        """Return why time stands still: the events that have to happen before it goes on.

        Empty if the next timer may ring. Time never moves while a message waits for an actor
        that could take it, is on its way, or a disk has something to write.
        """
        events = self._choices.all(self.slow)
        events += self.nodes.writing()
        events += self.nodes.wires.deliverable(self.nodes.down)
        return tuple(event.name for event in events)

    def note(self, value: Any) -> None:
        """Add something to the history of the run, which properties may read."""
        cell = self._running()
        # Who ran on a node that has crashed may still be on the way out.
        if cell is None or not getattr(cell.system, "gone", False):
            self.history.append(value)

    # -- the run -----------------------------------------------------------------------------

    def look_for(self, targets: FaultTargets) -> None:
        """Take note of who there is, as all runs of one search do."""
        self._targets = targets
        self.nodes.ever = targets.nodes

    def begin(self) -> Broken | None:
        self._guards.on()
        self.nodes.unawaited.on(self._scenario_runs)
        self._task = self.loop.create_task(self._main(), name="scenario")
        return self._go_on()

    async def _main(self) -> None:
        async with self._system:
            try:
                await self._scenario(self)
            except AssertionError as error:
                self._broken = Broken("scenario", told(error))
            except (ScenarioError, EscapeError):
                raise
            except asyncio.CancelledError:
                if not self._ending:  # it has cancelled itself
                    self._broken = Broken("scenario raises CancelledError", "")
            except Exception as error:  # noqa: BLE001 - the test's author's code
                self._broken = Broken(f"scenario raises {type(error).__name__}", told(error))
            else:
                self._finished = True
            await self._over
            for node in self.nodes.all.values():
                if node.up:
                    await node.system.shutdown()

    def _go_on(self) -> Broken | None:
        """Let the loop run what is ready; see to the properties."""
        self._enabled = None
        self._draining = True
        try:
            self.loop.drain()
        finally:
            self._draining = False
        if self._task is not None and self._task.done():
            self._task.result()
        for context in self.loop.errors:
            error = context.get("exception")
            if isinstance(error, ScenarioError | EscapeError):
                raise error
        if self._broken is not None:
            self.nodes.unawaited.check()
        if self._targets is not None and self._targets.missing:
            self._targets.look(name_of(cell) for cell in self.living())
        return self._broken or self.nodes.broken or self._observer.look()

    def enabled(self) -> Sequence[Event]:
        if self._enabled is None:
            self._enabled = self._possible()
        return self._enabled

    def _possible(self) -> list[Event]:
        events = self._choices.all(self.slow)
        if not self.nodes.all:
            return events or self._idle() or self._due() or self._late()
        nodes = self.nodes
        events += nodes.writing()
        events += nodes.wires.deliverable(nodes.down)
        mending = [] if self._ending else nodes.mending()
        if events:
            return events + mending
        return mending + (self._idle() or self._due()) or self._late()

    def _idle(self) -> list[Event]:
        """Return the event that the scenario is told that all is quiet."""
        self._idlers = [each for each in self._idlers if not each.done()]
        if not self._idlers:
            return []
        return [Event("idle", f"idle #{self._times_idle}", "", "idle", self._idlers[0])]

    def _late(self) -> list[Event]:
        """Return what was put off, once nothing else is left."""
        held = self.nodes.wires.deliverable(self.nodes.down, held=True)
        return (self._choices.all(self.slow, late=True) if self.slow else []) + held

    def is_busy(self) -> bool:
        """Tell whether something may happen before the next timer is due."""
        return bool(self.keeps_time())

    def faults(self) -> Sequence[Event]:
        return self._going_wrong.possible()

    def execute(self, event: Event) -> Broken | None:
        noted = len(self.history)
        self._choices.sent()
        touch = self._touch
        if touch is not None:
            touch.begin(event)
        self.let_happen(event)
        self._going_wrong.spend(event)
        broken = self._go_on()
        notes = tuple(self.history[noted:])
        touched = ALL if touch is None else touch.end(noted=bool(notes))
        self.steps.append(Step(event, self._choices.sent(), notes, touched))
        return broken

    def let_happen(self, event: Event) -> None:
        """Let an event happen; the loop has not run yet what comes of it."""
        kind, payload = event.kind, event.payload
        if kind == "idle":
            self._times_idle += 1
            payload.set_result(None)
        elif payload.__class__ is Parcel and kind in {"deliver", "reorder"}:
            cell = self.nodes.deliver(payload)
            if cell is not None and cell not in self.slow:
                self._choices.take_at_once(cell)
        elif kind in {"deliver", "signal"}:
            self.slow.pop(event.payload if kind == "signal" else payload.cell, None)
            self._choices.take(event)
        elif kind in {"timer", "early"}:
            self.ring(payload)
        else:
            self._going_wrong.execute(event)

    def receiver_of(self, event: Event) -> Cell | None:
        """Return the actor that a delivery is to."""
        payload = event.payload
        if payload.__class__ is Delivery:
            cell: Cell = payload.cell
            return cell
        if payload.__class__ is Parcel and event.kind == "deliver":
            return self.nodes.receiver(payload)
        return None

    def finish(self) -> Broken | None:
        self.nodes.unawaited.check()
        if not self._finished:
            where = "" if self._task is None else waits_at(self._task)
            said = [f"it still waits ({where})" if where else "it still waits"]
            return Broken("scenario ends", "; ".join(filter(None, [*said, who_waits(self.nodes)])))
        self._going_wrong.check_possible()
        for system in self.nodes.systems():
            failure = system._failure
            if failure is not None and not self._going_wrong.is_simulated(failure):
                which = f"node {system.prefix}" if system.prefix else "system"
                return Broken(f"{which} fails", told_of_actor(failure))
        return self._observer.rest()

    def decides_before_rest(self) -> bool:
        return self.properties.decide_before_rest

    def to_reach(self) -> list[str]:
        return [name for name, _ in self.properties.sometimes]

    def reached(self) -> frozenset[str]:
        return frozenset(self._observer.reached)

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        return fields_of(self.nodes)

    def close(self) -> None:
        """End the systems, calmly, and the loop."""
        self._ending = True
        self._horizon = float("inf")
        if self._task is not None and not self._finished and self._broken is None:
            self._task.cancel()  # the run was cut off
        self._over.set_result(None)
        try:
            self._settle(SETTLING)
        finally:
            self._guards.off()
            self.nodes.unawaited.off()
            # What is cancelled may wait once more, on its way out.
            for _ in range(FAREWELLS):
                tasks = asyncio.all_tasks(self.loop)
                for task in tasks:
                    task.cancel()
                if tasks:
                    self._settle(SETTLING // 100)
            self.loop.close()

    def _settle(self, most: int) -> None:
        for _ in range(most):
            self._enabled = None
            self.loop.drain()
            if self._system.ended and not self.cells.all:
                return
            events = self.enabled()
            if not events:
                return
            self.let_happen(events[0])

    # -- timers ----------------------------------------------------------------------------------

    def _due(self) -> list[Event]:
        """Return the timers that may ring when all is quiet: those that are due first."""
        living = sorted(self.timers.living(), key=lambda timer: timer.due)
        if not living or living[0].due > self._horizon:
            return []
        first = living[0].due
        due = [timer for timer in living if timer.due <= first]
        acting = [timer for timer in due if not timer.watches]
        return [self.timer_event("timer", timer) for timer in acting or due]

    def timer_event(self, kind: str, timer: SimulatedTimer) -> Event:
        """Return the event that a timer rings."""
        return Event(kind, f"{kind} {timer.name}", timer.owner, f"{kind} {timer.owner}", timer)

    def ring(self, timer: SimulatedTimer) -> None:
        """Let a timer ring; what was put off until one does goes on."""
        self.timers.now = max(self.timers.now, timer.due)
        self.timers.forget(timer)
        self.slow.clear()
        self.nodes.wires.release()
        if timer.handle is not None:
            self.loop.take_now(timer.handle)
        elif timer.callback is not None:
            self.loop.call_soon(timer.callback)

    # -- who -------------------------------------------------------------------------------

    def node_named(self, name: str) -> Node:
        """Return a node.

        :raises ScenarioError: if there is none of that name.
        """
        try:
            return self.nodes.all[name]
        except KeyError:
            raise self.nodes.no_such_node(name, f"node {name!r}") from None

    def living(self) -> Iterator[Cell]:
        """Return the cells of all actors of all systems that run."""
        return living(self.nodes)

    def _running(self) -> Cell | None:
        return running(self.nodes)

    def _scenario_runs(self) -> bool:
        return self._draining and not self._finished and self._running() is None

    def _where(self) -> str | None:
        """Tell who runs just now; None if it is the kit itself."""
        return place_of(self._running()) if self._draining else None
