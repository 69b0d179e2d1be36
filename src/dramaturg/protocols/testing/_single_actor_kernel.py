"""A run in which one actor is real and the kit plays all others.

Theory of operation
===================

What the others may say next are events beside those of the simulation, so that the search, the
shrinking and the replay of schedules are those of every simulation. An event's name says who, to
whom, which message of the few that were drawn for its type, and the how-manieth it is:
``say client->server Ask~0 #2``. Where the actor waits for nothing the message is
delivered in the same step.

The calm run lets the actor come to rest between two messages, and ends as soon as the
protocol lets it. A timer rings only when the others have nothing to say, unless it may ring early.
"""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any, NamedTuple

from dramaturg.actors import ActorFailed
from dramaturg.protocols._borders import shown
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._event import Event
from dramaturg.protocols.testing._kernel import Step
from dramaturg.protocols.testing._properties import Broken
from dramaturg.protocols.testing._simulation import Simulation
from dramaturg.protocols.testing._single_actor_partners import Move, Partners, actor_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dramaturg.actors import ActorRef, Props
    from dramaturg.protocols import Party
    from dramaturg.protocols._rules import Rules
    from dramaturg.protocols.testing._fault_targets import FaultTargets
    from dramaturg.protocols.testing._single_actor_messages import Making, Peers

__all__ = ["ActorKernel", "Casting"]


class Casting(NamedTuple):
    """What all runs of one search have in common.

    :param make: makes the actor under test, given the others.
    :param begin: called when all are there.
    :param options: of the :class:`Simulation`; ``targets``: whom its faults were asked for.
    """

    rules: Rules
    subject: Party
    make: Callable[[Peers], Props[Any]]
    begin: Callable[[Simulation, ActorRef[Any], Peers], object] | None
    pools: Mapping[type, tuple[Making, ...]]
    messages: int
    illegal: int
    options: Mapping[str, Any]
    targets: FaultTargets


class _Said(NamedTuple):
    """A message that may be said; it looks like a delivery to who draws the run."""

    sender: str
    receiver: str
    message: Any
    move: Move


def _checked(message: type, made: Any) -> Any:
    if not isinstance(made, message):
        raise ScenarioError(
            thing=f"messages={{{message.__qualname__}: ...}}",
            problem=f"has made {shown(made)}",
            expected=f"a {message.__qualname__}",
        )
    return made


class _Aside:
    """What two of the others say to each other; nobody reads it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


class ActorKernel:
    """One run; see above."""

    def __init__(self, casting: Casting) -> None:
        self._casting = casting
        self._partners = Partners(casting.rules, casting.subject)
        self._simulation = Simulation(self._cast, **casting.options)
        self._simulation.look_for(casting.targets)
        self._left = casting.messages
        self._illegal_left = casting.illegal
        self._ended = False
        self._counts: dict[str, int] = {}
        self._made: dict[type, tuple[Any, ...]] = {}
        self._path = f"/{actor_name(casting.subject)}"
        self._enabled: list[Event] | None = None
        self.steps: list[Step] = []

    async def _cast(self, sim: Simulation) -> None:
        casting, partners = self._casting, self._partners
        peers = partners.enter(sim.system)
        sim.system.events.subscribe(self._failed, ActorFailed)
        props = casting.make(peers)
        with partners.making():
            ref: ActorRef[Any] = sim.system.spawn(props, name=actor_name(casting.subject))
        partners.look_at(ref)
        self._made = {
            each: tuple(_checked(each, make(peers)) for make in makings)
            for each, makings in casting.pools.items()
        }
        if casting.begin is not None:
            begun = casting.begin(sim, ref, peers)
            if isawaitable(begun):
                await begun

    def _failed(self, event: ActorFailed) -> None:
        if event.path == self._path:
            self._partners.note_crash(event.error)

    # -- the kernel ----------------------------------------------------------------------------

    def begin(self) -> Broken | None:
        return self._look(self._simulation.begin())

    def enabled(self) -> Sequence[Event]:
        if self._enabled is None:
            own = list(self._simulation.enabled())
            quiet = not own or own[0].kind == "timer"
            others = list(self._others(quiet=quiet))
            # Nobody hurries the others: time passes when they have nothing to say.
            self._enabled = others if quiet and others else [*own, *others]
        return self._enabled

    def faults(self) -> Sequence[Event]:
        found = list(self._simulation.faults())
        if self._illegal_left and self._made:
            for move in self._partners.illegal_moves():
                found += self._says("illegal", move)
        return found

    def execute(self, event: Event) -> Broken | None:
        self._enabled = None
        simulation = self._simulation
        said = event.payload
        if isinstance(said, _Said):
            broken = self._say(event, said)
        elif event.kind == "end":
            self._ended = True
            broken = self._pass(event)
        elif event.kind == "deadline":
            simulation.timers.now = event.payload
            self._partners.elapse(event.payload)
            broken = self._pass(event)
        else:
            broken = simulation.execute(event)
            self.steps.append(simulation.steps[-1])
        return self._look(broken)

    def finish(self) -> Broken | None:
        broken = self._look(self._simulation.finish())
        if broken is not None:
            return broken
        for each in self._partners.debts():
            # When the others were made to stop, the actor may wait for them.
            if self._left or all(action.kind == "!" for action in each.expected):
                return Broken(f"{actor_name(self._casting.subject)} is not done", f"{each}")
        return None

    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        # A report draws all of them, also those that have ended.
        nothing: Mapping[str, Any] = {}
        everybody = {self._path: nothing} | {
            ref.path: nothing for ref in self._partners.peers.values()
        }
        return {**everybody, **self._simulation.fields()}

    def decides_before_rest(self) -> bool:
        return True  # each message is looked at when it is sent

    def to_reach(self) -> list[str]:
        return self._simulation.to_reach()

    def reached(self) -> frozenset[str]:
        return self._simulation.reached()

    def close(self) -> None:
        """End the system, and the loop."""
        self._simulation.close()

    def _look(self, broken: Broken | None) -> Broken | None:
        # What the actor did comes before what followed from it.
        return self._partners.problem or broken

    # -- what the others do ----------------------------------------------------------------------

    def _others(self, *, quiet: bool) -> Iterator[Event]:
        if self._ended or not self._made:
            return
        moves = list(self._partners.moves())
        if not moves or not self._left:
            if quiet:
                yield from self._deadline()
            return
        if quiet and self._partners.may_end():
            yield Event("end", "end", "", "end")
        for move in moves:
            yield from self._says("say", move)

    def _deadline(self) -> Iterator[Event]:
        due = self._partners.talk.next_deadline
        if due is not None and not self._simulation.enabled():
            yield Event("deadline", f"deadline at {due:g} s", "", "deadline", due)

    def _says(self, kind: str, move: Move) -> Iterator[Event]:
        sender, receiver = actor_name(move.sender), actor_name(move.receiver)
        lane = f"{sender}->{receiver}"
        number = self._counts.get(lane, 0)
        topic = move.message.__name__
        aside = move.receiver != self._casting.subject
        made = (_Aside(topic),) if aside else self._made[move.message]
        for at, message in enumerate(made):
            name = f"{kind} {lane} {topic}~{at} #{number}"
            said = _Said(f"/{sender}", f"/{receiver}", message, move)
            # As a delivery it is drawn, and scheduled, as what it amounts to.
            shown = "deliver" if kind == "say" else kind
            event = Event(shown, name, f"/{receiver}", f"{kind} {lane}", said)
            event.topic = topic
            yield event

    def _say(self, event: Event, said: _Said) -> Broken | None:
        move = said.move
        lane = f"{actor_name(move.sender)}->{actor_name(move.receiver)}"
        self._counts[lane] = self._counts.get(lane, 0) + 1
        legal = event.kind == "deliver"
        if legal:
            self._left -= 1
        else:
            self._illegal_left -= 1
        if move.receiver != self._casting.subject:
            self._partners.say_aside(move)
            return self._pass(event)
        envelope = self._partners.say(move, said.message, legal=legal)
        simulation = self._simulation
        broken = simulation._go_on()
        if envelope is not None and broken is None:
            for each in simulation.enabled():
                if getattr(each.payload, "item", None) is envelope:
                    broken = simulation.execute(each)
                    self.steps.append(simulation.steps[-1]._replace(event=event))
                    return broken
        return self._pass(event, broken)

    def _pass(self, event: Event, broken: Broken | None = None) -> Broken | None:
        """Take note of an event that the simulation does not have."""
        self.steps.append(Step(event, (), ()))
        return broken
