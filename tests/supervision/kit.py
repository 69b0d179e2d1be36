"""Children that start as a script says, and a supervisor of theirs in virtual time."""

import asyncio
import selectors
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    ExitReason,
    Ignore,
    IncarnationEnded,
    ManualClock,
    Props,
    handler,
)
from dramaturg.actors._cell import Cell
from dramaturg.supervision import ChildInfo, ChildSpec, Supervisor, SupervisorSpec, WhichChildren
from tests.actors.kit import (
    LIMIT,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Fail,
    Puppet,
    ThreadPuppet,
    within,
)
from tests.any_order import moment, new_system

T = TypeVar("T")

Outcome: TypeAlias = Literal["ok", "info", "fail", "fail in init", "ignore", "ignore in init"]
Kind: TypeAlias = Literal["loop", "task", "thread", "plain"]

INFO = "what on_start returned"


# -- scripted children -----------------------------------------------------------------


class Script:
    """What comes of the next starts of each child, and a note of each start."""

    def __init__(self) -> None:
        self.begun: list[tuple[float, str]] = []
        """When an instance of which child was made."""
        self._plans: defaultdict[str, deque[Outcome]] = defaultdict(deque)

    def plan(self, name: str, *outcomes: Outcome) -> None:
        """Let the next starts of the child of this name come out so; all further ones succeed."""
        self._plans[name].extend(outcomes)

    def begin(self, actor: Actor) -> Outcome:
        """Take note of a new instance; return what is to come of its start."""
        context = actor.context
        self.begun.append((context.clock.monotonic(), context.path))
        plan = self._plans[context.name]
        outcome = plan.popleft() if plan else "ok"
        if outcome == "fail in init":
            raise Crash(outcome)
        if outcome == "ignore in init":
            raise Ignore
        return outcome

    def starts(self, path: str) -> list[float]:
        """Return the moments at which instances of one child were made."""
        return [when for when, who in self.begun if who == path]


class Scripted(Puppet):
    """A puppet that starts as its script says; its methods are all ``def``."""

    def __init__(self, script: Script, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.given = (args, kwargs)
        self.outcome: Outcome = script.begin(self)

    def on_start(self) -> Any:
        return follow(self.outcome)


class ScriptedTask(AsyncPuppet):
    """One that runs in tasks, and waits a moment in each hook."""

    def __init__(self, script: Script, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.given = (args, kwargs)
        self.outcome: Outcome = script.begin(self)

    async def on_start(self) -> Any:
        await asyncio.sleep(0)
        return follow(self.outcome)


class ScriptedThread(ThreadPuppet):
    """One on a thread of its own."""

    def __init__(self, script: Script, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.given = (args, kwargs)
        self.outcome: Outcome = script.begin(self)

    def on_start(self) -> Any:
        return follow(self.outcome)


class ScriptedPlain(Actor):
    """One without hooks, which needs no turn to start: what is to fail there fails in its init."""

    def __init__(self, script: Script) -> None:
        follow(script.begin(self))

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class ScriptedSupervisor(Supervisor):
    """A supervisor that starts as its script says."""

    def __init__(self, script: Script, spec: SupervisorSpec) -> None:
        super().__init__(spec)
        self._outcome: Outcome = script.begin(self)

    def init(self) -> SupervisorSpec:
        follow(self._outcome)
        return super().init()


SCRIPTED: dict[Kind, type[Actor]] = {
    "loop": Scripted,
    "task": ScriptedTask,
    "thread": ScriptedThread,
    "plain": ScriptedPlain,
}

each_kind = pytest.mark.parametrize("kind", ["loop", "task", "thread"])


def follow(outcome: Outcome) -> Any:
    """Let ``on_start`` come out so."""
    if outcome == "fail":
        raise Crash(outcome)
    if outcome == "ignore":
        raise Ignore
    return INFO if outcome == "info" else None


def child(script: Script, id_: str, kind: Kind = "loop", **options: Any) -> ChildSpec:
    """Make the spec of a scripted child."""
    cls: Any = SCRIPTED[kind]
    return ChildSpec(id_, Props(cls, script), **options)


# -- what happens to them ----------------------------------------------------------------


def crash(ref: ActorRef[Any]) -> None:
    """Let the child fail."""
    ref.tell(Fail(Crash("told to")))


def leave(ref: ActorRef[Any], kind: Literal["normal", "shutdown"] = "normal") -> None:
    """Let the child end by itself."""
    ref.tell(Do(lambda actor: actor.context.stop_self(ExitReason(kind))))


def chain(error: BaseException | None) -> list[BaseException]:
    """Return the error and its causes."""
    causes: list[BaseException] = []
    while error is not None:
        causes.append(error)
        error = error.__cause__
    return causes


# -- a supervisor in virtual time --------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """One supervisor called "top", in a system whose clock stands still."""

    system: ActorSystem
    clock: ManualClock
    events: Events
    top: ActorRef[Supervisor]

    def ref(self, path: str) -> ActorRef[Any]:
        """Return the ref of who is below the supervisor."""
        ref = self.system.lookup(f"/top/{path}")
        assert ref is not None, f"nobody at {path}"
        return ref

    async def children(self) -> tuple[ChildInfo, ...]:
        """Ask for the children, which waits until the supervisor is done with what came before."""
        return await within(self.top.request(WhichChildren()))

    async def states(self) -> dict[str, str]:
        """Say of each child, in start order, what its supervisor believes."""
        return {each.id: each.state for each in await self.children()}

    async def end_of(self, path: str, action: Callable[[ActorRef[Any]], object]) -> None:
        """Do something to a child that ends it, and wait until its supervisor has seen to that."""
        full = f"/top/{path}"
        before = len(self.events.of(IncarnationEnded, full))
        cell = self.ref(path).cell
        action(self.ref(path))
        await self.events.until(lambda: len(self.events.of(IncarnationEnded, full)) > before)
        async with asyncio.timeout(LIMIT):
            # A thread tells its supervisor after everybody else, and nobody when it has.
            while _works(cell):  # it is about another thread's last step
                await moment()
        await self.children()

    async def advance(self, seconds: float) -> dict[str, str]:
        """Move time on, and wait until the supervisor has done what was due."""
        self.clock.advance(seconds)
        return await self.states()


@asynccontextmanager
async def planted(children: Iterable[ChildSpec] = (), **options: Any) -> AsyncGenerator[Tree]:
    """Run a supervisor with these children and options."""
    async with growing(SupervisorSpec(children, **options)) as tree:
        await within(tree.top.started())
        yield tree


@asynccontextmanager
async def growing(spec: SupervisorSpec) -> AsyncGenerator[Tree]:
    """Start a supervisor, and do not wait until it is up."""
    clock = ManualClock()
    async with new_system(clock=clock, hold_limit=None, seed=1) as system:
        events = Events(system)
        yield Tree(system, clock, events, system.spawn(Props(Supervisor, spec), name="top"))


def next_call(clock: ManualClock) -> float | None:
    """Return the moment of the first call that is planned; None if there is none."""
    return min(
        (when for when, _, planned in clock._plan if planned.callback is not None), default=None
    )


# -- quiet --------------------------------------------------------------------------------


class QuietLoop:
    """An event loop for one system, on which one can wait until nothing moves any more."""

    def __init__(self) -> None:
        self._selector = _Selector()
        self._runner = asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(self._selector)
        )

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; tasks that it started go on with the next one."""
        return self._runner.run(coroutine)

    def run_and_close(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run the only coroutine of this loop."""
        with self._runner:
            return self.run(coroutine)

    def close(self) -> None:
        self._runner.close()

    async def quiet(self, system: ActorSystem, *, threads: bool = True) -> None:
        """Wait until the loop has nothing to do, nor, unless one blocks, any thread of an actor."""
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._selector.system = system if threads else None
        self._selector.reached = reached
        async with asyncio.timeout(LIMIT):
            await reached


class _Selector(selectors.DefaultSelector):
    """What the loop waits in; asked to wait at all, the loop has nothing to run."""

    reached: asyncio.Future[None] | None = None
    system: ActorSystem | None = None
    look_again = 0.005
    """Seconds. What a thread does last it tells nobody: it becomes idle."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.reached is None or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        # First the threads: what they had to tell they have told before they became idle.
        works = self.system is not None and _works(self.system.root)
        ready = super().select(self.look_again if works else 0)
        if not ready and not works:
            reached, self.reached = self.reached, None
            if not reached.done():
                reached.set_result(None)
        return ready


def _works(cell: Cell) -> bool:
    """Tell whether the thread of the actor, or of one below it, is in the middle of a turn."""
    if cell.extra is not None and cell.extra.thread is not None and not cell.idle:
        return True
    return any(_works(each) for each in tuple((cell.children or {}).values()))
