"""Scenarios on death watch: one notice of each end, behind all else, none that nobody wants."""

from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import Actor, ActorRef, Props, Terminated, handler
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.supervision import ChildSpec, Supervisor, SupervisorSpec, TerminateChild
from tests.simulated.case import Case
from tests.simulated.ledger import Item, Ledger
from tests.simulated.mailbox_kit import Close, Poisoned, Stopper, Talk


@dataclass(frozen=True)
class Look:
    """Watch somebody; again, if that is so already."""

    ref: ActorRef[Any]


@dataclass(frozen=True)
class LookAway:
    """Watch somebody no more."""

    ref: ActorRef[Any]


@dataclass(frozen=True)
class Gone:
    """The notice of one watch."""

    path: str
    serial: int


@dataclass
class Watches:
    """Which watches stand, and what was told."""

    ledger: Ledger
    serial: int = 0
    stand: dict[str, int] = field(default_factory=dict[str, int])
    """By the path of who is watched."""
    refs: dict[str, ActorRef[Any]] = field(default_factory=dict[str, ActorRef[Any]])
    told: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.ledger.sim.at_rest(self.all_told, "who watches is told")

    def all_told(self, view: SystemView) -> None:
        missed = [path for path in self.stand if not self.refs[path].is_alive()]
        assert not missed, f"nobody was told of {missed[0]}"

    def wrong(self, what: str) -> None:
        self.ledger.wrong.append(what)


class Guard(Actor):
    """Watches as it is told to, and checks each notice."""

    def __init__(self, watches: Watches, *refs: ActorRef[Any]) -> None:
        self.watches = watches
        # The watches of the incarnation before are none of this one's.
        watches.stand.clear()
        for ref in refs:
            self.look(Look(ref))

    @handler
    def look(self, message: Look) -> None:
        watches, path = self.watches, message.ref.path
        watches.serial += 1
        watches.stand[path] = watches.serial
        watches.refs[path] = message.ref
        self.context.watch(message.ref, Gone(path, watches.serial))

    @handler
    def look_away(self, message: LookAway) -> None:
        self.watches.stand.pop(message.ref.path, None)
        self.context.unwatch(message.ref)

    @handler
    def hear(self, item: Item) -> None:
        self.watches.ledger.begin(item)

    @handler
    def be_told(self, message: Gone) -> None:
        watches = self.watches
        watches.told.append(message.path)
        if watches.stand.pop(message.path, None) != message.serial:
            watches.wrong(f"{message} is told, but does not stand")
        if watches.refs[message.path].is_alive():
            watches.wrong(f"{message} is told, but it lives")
        ledger = watches.ledger
        name = message.path.rpartition("/")[2]
        met = {*ledger.begun, *ledger.dead, *ledger.excused}
        late = [item for item in ledger.sent if item.sender == name and item not in met]
        if late:
            watches.wrong(f"{message} is told before {late[0]}")


class Speaker(Actor):
    """Says something to a guard, and then ends."""

    def __init__(self, ledger: Ledger, guards: dict[str, ActorRef[Guard]]) -> None:
        self.ledger = ledger
        self.guards = guards

    @handler
    def speak(self, message: Talk) -> None:
        name = self.context.name
        for _ in range(2):
            said = sum(item.sender == name for item in self.ledger.sent)
            self.ledger.tell(self.guards["guard"], Item(name, said))

    @handler
    def end(self, message: Close) -> None:
        self.context.stop_self()


class Looking(Actor):
    """Has a guard look, and look away, each in a turn of its own."""

    def __init__(self, guard: ActorRef[Guard], *orders: Look | LookAway) -> None:
        self.guard = guard
        self.orders = list(orders)
        self.actor_ref.tell(Talk())

    @handler
    def order(self, message: Talk) -> None:
        self.guard.tell(self.orders.pop(0))
        if self.orders:
            self.actor_ref.tell(message)


async def ended(sim: Simulation) -> None:
    """Some end while somebody looks and looks away."""
    ledger = Ledger(sim)
    watches = Watches(ledger)
    guards = dict[str, ActorRef[Guard]]()
    speakers = [sim.system.spawn(Props(Speaker, ledger, guards), name=name) for name in "ab"]
    first, second = speakers
    guards["guard"] = guard = sim.system.spawn(Props(Guard, watches, first), name="guard")
    for each in speakers:
        each.tell(Talk())
        each.tell(Close())
    orders: list[Look | LookAway] = [
        Look(second),
        LookAway(first),
        Look(first),
        Look(first),
        LookAway(second),
    ]
    sim.system.spawn(Props(Looking, guard, *orders), name="looking")
    sim.sometimes(lambda view: watches.told.count("/a") == 2, "told of the same one twice")
    sim.sometimes(lambda view: "/b" not in watches.told and view.now == 0, "not told of another")


async def restarted(sim: Simulation) -> None:
    """Who is watched is restarted, and ends in the end: of that alone there is a notice."""
    ledger = Ledger(sim)
    watches = Watches(ledger)
    guards = dict[str, ActorRef[Guard]]()
    spec = SupervisorSpec([ChildSpec("a", Props(Speaker, ledger, guards))], intensity=9)
    sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
    await sup.started()
    ref = sim.system.lookup("/sup/a")
    assert ref is not None
    guards["guard"] = sim.system.spawn(Props(Guard, watches, ref), name="guard")
    for order in (Talk(), Close(), Talk()):
        ref.tell(order)
    sim.at_rest(lambda view: watches.told == ["/sup/a"], "told once")
    await sup.request(TerminateChild("a"))


class Mourner(Actor):
    """Keeps the notices that the runtime makes."""

    def __init__(self, *refs: ActorRef[Any]) -> None:
        self.notices: list[Terminated] = []
        for ref in refs:
            self.context.watch(ref)

    @handler
    def note(self, message: Terminated) -> None:
        self.notices.append(message)


class Doomed(Actor):
    """Fails on what others take for the order to end."""

    @handler
    def end(self, message: Close) -> None:
        raise Poisoned


class Done(Actor):
    """Ends in peace."""

    @handler
    def end(self, message: Close) -> None:
        self.context.stop_self()


async def mourned(sim: Simulation) -> None:
    """The notice tells whether somebody failed, and with what."""
    children = [
        ChildSpec(name, cls, restart="temporary")
        for name, cls in (("doomed", Doomed), ("done", Done))
    ]
    sup = sim.system.spawn(Props(Supervisor, SupervisorSpec(children)), name="sup")
    await sup.started()
    refs = [ref for ref in map(sim.system.lookup, ("/sup/doomed", "/sup/done")) if ref is not None]
    sim.system.spawn(Props(Mourner, *refs), name="mourner")
    for ref in refs:
        ref.tell(Close())

    def right(view: SystemView) -> None:
        notices = {each.ref.name: each.error for each in view["/mourner"].notices}
        assert len(view["/mourner"].notices) == 2, notices
        assert isinstance(notices["doomed"], Poisoned), notices
        assert notices["done"] is None, notices

    sim.at_rest(right, "the notices are right")


async def watcher_restarted(sim: Simulation) -> None:
    """A guard crashes: the watches that it has made end with that incarnation."""
    ledger = Ledger(sim)
    watches = Watches(ledger)
    guards = dict[str, ActorRef[Guard]]()
    speakers = [sim.system.spawn(Props(Speaker, ledger, guards), name=name) for name in "ab"]
    spec = SupervisorSpec([ChildSpec("guard", Props(Guard, watches, speakers[0]))], intensity=9)
    sup = sim.system.spawn(Props(Supervisor, spec), name="sup")
    await sup.started()
    found = sim.system.lookup("/sup/guard")
    assert found is not None
    guards["guard"] = found
    found.tell(Look(speakers[1]))
    sim.sometimes(lambda view: len(watches.told) == 1, "told of one only")
    for each in speakers:
        each.tell(Talk())
        sim.system.spawn(Props(Stopper, each)).tell(Close())


GUARD = Faults(crashes={"/sup/guard": 1})
CASES = (
    Case("watch/ended", ended),
    Case("watch/ended, any sender first", ended, any_sender_first=True),
    Case("watch/restarted", restarted, Faults(crashes={"/sup/a": 1})),
    Case("watch/mourned", mourned),
    Case("watch/watcher restarted", watcher_restarted, GUARD),
    Case("watch/watcher restarted, any sender first", watcher_restarted, GUARD, True),
)
