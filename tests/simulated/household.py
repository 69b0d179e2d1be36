"""The rules of a supervisor, as somebody sees them who only watches its children come and go.

They are OTP's, see the module's namesake in ``docs/supervision.md``; nothing here is taken from
how the supervisor does it. What the rules forbid is noted in ``wrong``, at once.
"""

from dataclasses import dataclass, field

from dramaturg.actors import ActorFailed, ExitReason, IncarnationEnded
from dramaturg.actors._state import RUNNING
from dramaturg.protocols.testing import Simulation, SystemView
from dramaturg.supervision import RestartLimitExceeded, SupervisorSpec

ORDERED = ("one_for_all", "rest_for_one")


@dataclass
class Member:
    """What is known of one child."""

    place: int
    restart: str
    up: int = 0
    """The incarnation that runs; 0 if none does."""
    latest: int = 0
    ended: ExitReason | None = None
    """How the latest incarnation has ended."""
    asked_to_end: bool = False
    """Somebody has asked for its end, and nobody for its restart."""
    wanted: bool = True
    """Nobody has begun to ask for its end."""
    start_failed: bool = False

    @property
    def ended_by_itself(self) -> bool:
        ended = self.ended
        if ended is None or ended.kind != "shutdown":
            return ended is not None
        # A supervisor that gives up ends so, with the reason why.
        return ended.tag is not None or ended.error is not None

    @property
    def is_owed(self) -> bool:
        """Whether a restart has to follow its end."""
        if self.up or self.ended is None or self.asked_to_end or not self.ended_by_itself:
            return False
        return self.restart == "permanent" or (
            self.restart == "transient" and not self.ended.is_clean
        )


@dataclass
class Household:
    """A supervisor and its children."""

    sim: Simulation
    spec: SupervisorSpec
    path: str = "/sup"
    above: "Household | None" = None
    """The household in which this supervisor is a child."""
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    attempts: list[float] = field(default_factory=list[float])
    """When a restart was attempted, by the present incarnation of the supervisor."""
    over: bool = False
    """The supervisor ends, or has ended."""
    gave_up: int = 0
    incarnations: int = 0
    wrong: list[str] = field(default_factory=list[str])
    begun: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    finished: set[str] = field(default_factory=set[str])
    """Who has ever ended by itself, and in peace."""
    starting: bool = True
    reports: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    _last_place: int = -1

    def __post_init__(self) -> None:
        events = self.sim.system.events
        events.subscribe(self._ended, IncarnationEnded)
        events.subscribe(self._gives_up, RestartLimitExceeded)
        events.subscribe(self._failed, ActorFailed)
        self.sim.always(self.agree, f"{self.path} keeps the rules")
        self.sim.at_rest(self.settled, f"{self.path} has done all")

    # -- what is told it

    def supervisor_begins(self) -> None:
        """Take note of a new incarnation of the supervisor."""
        self.incarnations += 1
        self.over = False
        self.starting = True
        self.attempts.clear()
        self._last_place = -1
        kept = {id_: each for id_, each in self.members.items() if each.latest}
        if any(each.up for each in kept.values()):
            self._wrong("it begins while children of the one before run")
        self.members = {
            child.id: Member(place, child.restart, latest=self._latest(child.id))
            for place, child in enumerate(self.spec.children)
        }

    def child_begins(self, id_: str, incarnation: int) -> None:
        """Take note that a child's ``__init__`` runs."""
        member = self.members.setdefault(id_, Member(len(self.members), "permanent"))
        self.begun.append((self.sim.timers.now, id_))
        if member.up:
            self._wrong(f"{id_} runs twice")
        if incarnation <= member.latest:
            self._wrong(f"{id_} has incarnation {incarnation} after {member.latest}")
        if self.over:
            self._wrong(f"{id_} begins though the supervisor ends")
        if member.asked_to_end:
            self._wrong(f"{id_} begins though its end was asked for")
        self._check_order(id_, member)
        if member.ended is not None:
            self._check_reason(id_, member)
            self._count(member)
        member.up, member.latest, member.start_failed = incarnation, incarnation, False
        self.starting = self.starting and len(self.begun) < len(self.spec.children)
        self._last_place = member.place

    def asks_end(self, id_: str) -> None:
        """Take note that somebody is about to ask for a child's end."""
        self.members[id_].wanted = False

    def has_ended(self, id_: str) -> None:
        """Take note that the supervisor has said that a child has ended, as was asked."""
        member = self.members[id_]
        member.asked_to_end = True
        if member.up:
            self._wrong(f"{id_} is said to have ended, and runs")

    def asks_start(self, id_: str) -> None:
        """Take note that somebody is about to ask for a child's start."""
        member = self.members[id_]
        member.asked_to_end = False
        member.wanted = True
        member.ended = None

    def forgets(self, id_: str) -> None:
        """Take note that the supervisor has said that it has forgotten a child."""
        if self.members.pop(id_).up:
            self._wrong(f"{id_} is forgotten, and runs")
        # If there is another one of that name some day, its incarnations count from 1.
        self.reports = {each for each in self.reports if each[0] != id_}

    def ends(self) -> None:
        """Take note that the supervisor has said that it has ended."""
        self.over = True
        self._check_nobody_runs()

    # -- the rules

    def _check_order(self, id_: str, member: Member) -> None:
        if self.spec.strategy not in ORDERED and not self.starting:
            return
        later = [
            name for name, each in self.members.items() if each.place > member.place and each.up
        ]
        if later:
            self._wrong(f"{id_} begins while {later[0]} runs")
        for name, each in self.members.items():
            if each.place < member.place and each.start_failed and not each.up:
                self._wrong(f"{id_} begins before {name}, whose start has failed")

    def _check_reason(self, id_: str, member: Member) -> None:
        """A child begins again because of its own end, or with its group."""
        if member.restart == "temporary":
            self._wrong(f"{id_} is temporary and begins again")
        if not member.is_owed and not self._in_a_group(member):
            self._wrong(f"{id_} begins again after {member.ended}")

    def _in_a_group(self, member: Member) -> bool:
        if self.spec.strategy not in ORDERED:
            return False
        if self.spec.strategy == "one_for_all":
            return True
        return any(each.place < member.place and each.latest > 1 for each in self.members.values())

    def _count(self, member: Member) -> None:
        """Count an attempt: in a group by the first that begins, so by the place going back."""
        if self.spec.strategy in ORDERED and member.place > self._last_place:
            return
        now = self.sim.timers.now
        self.attempts.append(now)
        if self._in_window(now) > self.spec.intensity:
            self._wrong(f"{self._in_window(now)} attempts in {self.spec.period} s")

    def _in_window(self, now: float) -> int:
        return sum(now - self.spec.period <= each for each in self.attempts)

    def _ended(self, event: IncarnationEnded) -> None:
        if event.path == self.path:
            self.over = True
            self._check_nobody_runs()
        parent, _, id_ = event.path.rpartition("/")
        if parent != self.path or id_ not in self.members:
            return
        member = self.members[id_]
        if member.up != event.incarnation:
            self._wrong(f"{id_} ends as {event.incarnation}, and {member.up} runs")
        member.up, member.ended = 0, event.reason
        if member.ended_by_itself and event.reason.is_clean:
            self.finished.add(id_)
        if not member.ended_by_itself:
            self._check_ordered_end(id_, member)

    def _check_ordered_end(self, id_: str, member: Member) -> None:
        """A child ends by order only with its supervisor, with its group, or if that was asked."""
        later = [
            name for name, each in self.members.items() if each.place > member.place and each.up
        ]
        if later and member.wanted and self.spec.strategy != "simple_one_for_one":
            self._wrong(f"{id_} is stopped before {later[0]}")
        cell = self.sim.system.lookup(self.path)
        ends = self.over or cell is None or cell.cell.state is not RUNNING or not member.wanted
        if ends or self.starting:
            return
        before = member.place if self.spec.strategy == "rest_for_one" else len(self.members)
        causes = [
            each
            for each in self.members.values()
            if each is not member and each.place < before and not each.up and each.ended_by_itself
        ]
        if self.spec.strategy not in ORDERED or not causes:
            self._wrong(f"{id_} is stopped for no reason")

    def _gives_up(self, event: RestartLimitExceeded) -> None:
        if event.path != self.path:
            return
        self.gave_up += 1
        self.over = True
        counted = self._in_window(self.sim.timers.now)
        if counted < self.spec.intensity:
            self._wrong(f"it gives up after {counted} attempts")

    def _failed(self, event: ActorFailed) -> None:
        parent, _, id_ = event.path.rpartition("/")
        if parent != self.path:
            return
        if (id_, event.incarnation) in self.reports:
            self._wrong(f"{id_} is reported to have failed twice")
        self.reports.add((id_, event.incarnation))
        if event.phase == "__init__" and id_ in self.members:
            self.members[id_].start_failed = True

    def _check_nobody_runs(self) -> None:
        left = [id_ for id_, member in self.members.items() if member.up]
        if left:
            self._wrong(f"{left[0]} outlives its supervisor")

    def _latest(self, id_: str) -> int:
        return self.members[id_].latest if id_ in self.members else 0

    def _wrong(self, what: str) -> None:
        self.wrong.append(what)

    # -- properties

    def agree(self, view: SystemView) -> None:
        assert not self.wrong, self.wrong[0]

    def settled(self, view: SystemView) -> None:
        """Hold if nothing is owed: all are up who have to be, or the supervisor has ended."""
        if self.over:
            self._check_nobody_runs()
            assert not self.wrong, self.wrong[0]
            return
        owed = [id_ for id_, each in self.members.items() if each.is_owed and each.wanted]
        assert not owed, f"{owed[0]} is owed a restart"
        stopped = [
            id_
            for id_, member in self.members.items()
            if member.latest and not member.up and member.restart == "permanent" and member.wanted
        ]
        assert not stopped, f"{stopped[0]} is down"
        for id_, member in self.members.items():
            ref = self.sim.system.lookup(f"{self.path}/{id_}")
            runs = ref is not None and ref.cell.state is RUNNING
            assert runs == bool(member.up), f"{id_} runs: {runs}"
