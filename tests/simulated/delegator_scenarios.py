"""Scenarios on delegators: each caller is told once, by whom the route says, whatever fails."""

from dramaturg.actors import ActorCrashed, ActorStopped, Props, Refused
from dramaturg.protocols import DelegationFailed, InOrder, Route
from dramaturg.protocols.testing import Faults, Simulation, SystemView
from dramaturg.protocols.workflows import Retry
from dramaturg.supervision import Backoff, ChildSpec
from tests.simulated.case import Case
from tests.simulated.delegator_kit import (
    Failing,
    Never,
    Refusing,
    Slow,
    Steady,
    Task,
    Work,
    call,
    desk_of,
    figures,
)
from tests.simulated.ledger import Ledger
from tests.simulated.mailbox_kit import Close, Closer, Stopper

TWICE = Retry(attempts=2, backoff=Backoff(1.0, 1.0))


async def done(sim: Simulation) -> None:
    """Two ask while one agent is slow: all are answered, and nobody waits for the others."""
    work = Work(sim)
    agents = [
        sim.system.spawn(Props(cls, work), name=name) for name, cls in (("a", Steady), ("b", Slow))
    ]
    desk = await desk_of(sim, Route(Task, agents=agents))
    call(sim, work, desk, "p", 1, 2)
    call(sim, work, desk, "q", 3, 4)

    def check(view: SystemView) -> None:
        assert all(isinstance(each, str) for each in work.told.values()), f"{work.told}"
        assert len(work.told) == len(work.asked) == 4, f"{work.asked}"
        assert sorted(name for _, name in work.asked) == ["a", "a", "b", "b"], f"{work.asked}"

    sim.at_rest(check, "each task is done once, in turn")


async def fallen_back(sim: Simulation) -> None:
    """An agent fails twice, the next one does not answer, and the fallback answers."""
    work = Work(sim)
    route = Route(
        Task,
        agents=[ChildSpec("bad", Props(Failing, work)), ChildSpec("late", Props(Never, work))],
        fallback=ChildSpec("good", Props(Steady, work)),
        choose=InOrder(),
        retry=TWICE,
        timeout=3.0,
    )
    desk = await desk_of(sim, route, intensity=99)
    call(sim, work, desk, "p", 1)
    call(sim, work, desk, "q", 2)

    def check(view: SystemView) -> None:
        assert work.told == {1: "good 1", 2: "good 2"}, f"{work.told}"
        for number in (1, 2):
            asked = [name for each, name in work.asked if each == number]
            assert asked[:2] == ["bad", "bad"], f"{asked}"
            assert asked[-1] == "good", f"{asked}"
        late = figures(desk).of("/desk/agents/late")
        assert 0 < late.late <= late.timeouts, f"{late}"

    sim.at_rest(check, "the fallback has answered")


async def handed_up(sim: Simulation) -> None:
    """All fail: the caller is told of each attempt; what is refused is an answer."""
    work = Work(sim)
    desk = await desk_of(
        sim,
        Route(
            Task,
            when=lambda task: task.number == 1,
            agents=[
                ChildSpec("bad", Props(Failing, work)),
                ChildSpec("worse", Props(Failing, work)),
            ],
            choose=InOrder(),
        ),
        Route(
            Task,
            agents=[ChildSpec("no", Props(Refusing, work)), "/desk/agents/bad"],
            choose=InOrder(),
        ),
        intensity=99,
    )
    call(sim, work, desk, "p", 1)
    call(sim, work, desk, "q", 2)

    def check(view: SystemView) -> None:
        failed, refused = work.told[1], work.told[2]
        assert isinstance(failed, DelegationFailed), f"{failed!r}"
        assert [each.agent for each in failed.attempts] == [
            "/desk/agents/bad",
            "/desk/agents/worse",
        ]
        assert type(refused) is Refused, f"{refused!r}"
        assert (2, "bad") not in work.asked

    sim.at_rest(check, "as the route says")


async def crashed(sim: Simulation) -> None:
    """Delegator and agents crash anywhere: whoever was accepted is answered all the same."""
    work = Work(sim)
    agents = [
        sim.system.spawn(Props(cls, work), name=name) for name, cls in (("a", Steady), ("b", Slow))
    ]
    desk = await desk_of(sim, Route(Task, agents=agents, retry=TWICE, timeout=5.0))
    sim.sometimes(lambda view: desk.cell.incarnation > 1, "the delegator restarts")

    def check(view: SystemView) -> None:
        # Who asks a delegator that crashes on this very message is told that.
        told = list(work.told.values())
        assert all(isinstance(each, str | ActorCrashed | DelegationFailed) for each in told), told

    sim.at_rest(check, "nobody waits for what a restart has lost")
    call(sim, work, desk, "p", 1, 2)
    call(sim, work, desk, "q", 3)


async def drained(sim: Simulation) -> None:
    """A delegator is drained: it sees its tasks through."""
    work = Work(sim)
    slow = sim.system.spawn(Props(Slow, work), name="b")
    desk = await desk_of(sim, Route(Task, agents=[slow]))
    call(sim, work, desk, "p", 1)
    call(sim, work, desk, "q", 2)

    def check(view: SystemView) -> None:
        for number, told in work.told.items():
            begun = any(each == number for each, _ in work.asked)
            assert isinstance(told, str) == begun, f"{number}: {told!r}"

    sim.at_rest(check, "what was begun is answered")
    sim.at_rest(lambda view: not desk.is_alive(), "and then it ends")
    sim.sometimes(lambda view: len(work.asked) == 2, "several are in flight")
    sim.system.spawn(Props(Closer, desk, Ledger(sim)), name="closer").tell(Close())


async def stopped(sim: Simulation) -> None:
    """A delegator is stopped: whoever waits is told so."""
    work = Work(sim)
    slow = sim.system.spawn(Props(Slow, work), name="b")
    desk = await desk_of(sim, Route(Task, agents=[slow]))
    call(sim, work, desk, "p", 1)
    call(sim, work, desk, "q", 2)

    def check(view: SystemView) -> None:
        told = list(work.told.values())
        assert all(isinstance(each, str | ActorStopped) for each in told), f"{told}"

    sim.at_rest(check, "answered, or told of the end")
    sim.sometimes(
        lambda view: any(isinstance(each, ActorStopped) for each in work.told.values()),
        "somebody waits",
    )
    sim.system.spawn(Props(Stopper, desk), name="stopper").tell(Close())


CRASHES = Faults(crashes={"/desk": 2, "/a": 1})
CASES = (
    Case("delegator/done", done, schedules=200),
    Case("delegator/done, any sender first", done, any_sender_first=True),
    Case("delegator/fallen back", fallen_back),
    Case("delegator/handed up", handed_up),
    Case("delegator/crashed", crashed, CRASHES, schedules=200),
    Case("delegator/drained", drained),
    Case("delegator/stopped", stopped, schedules=200),
)
