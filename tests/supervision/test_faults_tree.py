"""Supervisors that fail, are killed or give up, and the trees below and above them."""

import asyncio
import threading
from random import Random
from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorEnded,
    ActorFailed,
    ActorRef,
    ActorStarted,
    ActorStopped,
    ActorSystem,
    DeadLetterReason,
    Directive,
    Failure,
    IncarnationEnded,
    LifecycleEvent,
    Props,
    ShutdownTimedOut,
    SystemEnded,
    Terminated,
    ThreadActor,
    ThreadLeaked,
    handler,
)
from dramaturg.supervision import (
    ChildSpec,
    FailedToStartChild,
    RestartLimitExceeded,
    RestartLimitReached,
    StartChild,
    StartInstance,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import LIMIT, Crash, Do, Fail, Note, within
from tests.supervision.faults import (
    MANY,
    AsyncChild,
    Hook,
    Kind,
    LoopChild,
    Script,
    ThreadChild,
    World,
    birth,
    child,
    each_hanging,
    each_kind,
    orphans,
    raising,
    silent,
    started,
    template,
    turns,
    world,
)


class Fallible(Supervisor):
    """A supervisor with a handler of its own that fails."""

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error

    @handler
    async def do(self, message: Do) -> Any:
        result = message.what(self)
        return await result if asyncio.iscoroutine(result) else result


def subtree(*children: ChildSpec, id: str = "sub", **flags: Any) -> ChildSpec:  # noqa: A002
    """Make the spec of a fallible supervisor as a child."""
    flags = {"intensity": MANY} | flags
    options = {key: flags.pop(key) for key in ("restart", "shutdown") if key in flags}
    return ChildSpec(id, Props(Fallible, SupervisorSpec(children, **flags)), **options)


async def names(sup: ActorRef[Any]) -> list[str]:
    return [info.id for info in await within(sup.request(WhichChildren()))]


# -- a supervisor that crashes ----------------------------------------------------------


@each_kind
async def test_a_supervisor_that_crashes_is_restarted_with_its_static_children(kind: Kind) -> None:
    scripts = {name: Script() for name in "abc"}
    added = Script()
    async with world() as it:
        await it.supervise(
            subtree(*(child(kind, script, name) for name, script in scripts.items()))
        )
        sub = it.ref("/sup/sub")
        refs = {name: it.ref(f"/sup/sub/{name}") for name in scripts}
        extra = await started(sub, StartChild(child(kind, added, "added")))

        sub.tell(Fail(Crash("the supervisor")))
        await it.incarnations(1, "/sup/sub")
        assert await names(sub) == ["a", "b", "c"]

        # They have stopped in order, the dynamic one first, and then started in order.
        ends = [event.path for event in it.events.of(IncarnationEnded)]
        assert ends == [f"/sup/sub/{name}" for name in ("added", "c", "b", "a")] + ["/sup/sub"]
        starts = [event.path for event in it.events.of(ActorStarted)]
        assert starts[-4:] == ["/sup/sub/a", "/sup/sub/b", "/sup/sub/c", "/sup/sub"]
        for name, ref in refs.items():
            assert await within(ref.request(Do(birth))) == 2
            assert it.ref(f"/sup/sub/{name}") is ref
            assert scripts[name].hooks(1) == ["__init__", "on_start", "on_stop"]
        assert not extra.is_alive()
        assert it.gone("/sup/sub/added") == 1
        assert added.births == 1
        assert it.actors == 5


@each_hanging
async def test_the_mailboxes_of_static_children_outlive_their_supervisor(kind: Kind) -> None:
    kept, lost = Script(), Script()
    async with world() as it:
        await it.supervise(subtree(child(kind, kept, "kept")))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/kept")
        added = await started(sub, StartChild(child(kind, lost, "added")))
        hang, other = it.hang(), it.hang()
        ref.tell(Do(hang))
        added.tell(Do(other))
        await hang.reached()
        await other.reached()
        for each in (ref, added):
            for number in range(5):
                each.tell(Note(number))
        later = ref.ask(Note("asked"), block=False)
        refused = added.ask(Note("asked"), block=False)

        sub.tell(Fail(Crash()))
        await it.events.until(lambda: len(it.failures("/sup/sub")) == 1)
        other.release()
        async with asyncio.timeout(LIMIT):
            while not ref.cell.control:  # noqa: ASYNC110 - the order to stop has not come yet
                await asyncio.sleep(0)
        hang.release()

        assert await within(later) == 2
        assert kept.handled == [(number, 2) for number in range(5)] + [("asked", 2)]
        with pytest.raises(ActorStopped):
            await within(refused)
        assert lost.handled == []
        assert it.letters(DeadLetterReason.STOPPED) == [0, 1, 2, 3, 4, "asked"]


@each_kind
async def test_a_restart_of_the_supervisor_undoes_deletions_and_terminations(kind: Kind) -> None:
    script = Script()
    async with world() as it:
        await it.supervise(subtree(child(kind, script)))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/it")
        await within(sub.request(TerminateChild("it")))
        assert not ref.is_alive()

        sub.tell(Fail(Crash()))
        await it.incarnations(1, "/sup/sub")
        await names(sub)

        assert await within(it.ref("/sup/sub/it").request(Do(birth))) == 2
        assert it.actors == 3


@each_kind
async def test_a_supervisor_whose_child_does_not_restart_with_it_is_tried_again(
    kind: Kind,
) -> None:
    first = Script()
    second = Script().on("on_start", raising(Crash("not yet")), birth=2)
    async with world() as it:
        await it.supervise(subtree(child(kind, first, "first"), child(kind, second, "second")))
        sub = it.ref("/sup/sub")
        ref = it.ref("/sup/sub/first")
        later: list[Any] = []

        def ask_and_fail(actor: Any) -> None:
            later.append(ref.ask(Note("asked"), block=False))
            raise Crash

        sub.tell(Do(ask_and_fail))
        await it.incarnations(2, "/sup/sub")

        assert await names(sub) == ["first", "second"]
        assert it.ref("/sup/sub/first") is ref
        assert await within(ref.request(Do(birth))) == 3
        assert it.ends("/sup/sub/second") == ["shutdown", "failed"]
        assert it.actors == 4


@each_kind
async def test_a_dynamic_child_of_a_restarted_supervisor_may_be_added_again(kind: Kind) -> None:
    async with world() as it:
        await it.supervise(subtree())
        sub = it.ref("/sup/sub")
        before = await started(sub, StartChild(child(kind, Script())))

        sub.tell(Fail(Crash()))
        await it.incarnations(1, "/sup/sub")
        after = await started(sub, StartChild(child(kind, Script())))

        assert not before.is_alive()
        assert await within(after.request(Do(birth))) == 1
        assert it.actors == 3


async def test_a_pool_that_crashes_comes_back_empty() -> None:
    scripts: list[Script] = []
    async with world() as it:
        await it.supervise(subtree(template(LoopChild), strategy="simple_one_for_one"))
        sub = it.ref("/sup/sub")
        refs: list[ActorRef[Any]] = []
        for _ in range(10):
            scripts.append(Script())
            refs.append(await started(sub, StartInstance(scripts[-1])))

        sub.tell(Fail(Crash()))
        await it.incarnations(1, "/sup/sub")

        assert await names(sub) == []
        assert not any(ref.is_alive() for ref in refs)
        assert all(script.hooks(1)[-1] == "on_stop" for script in scripts)
        assert it.actors == 2


# -- a supervisor that is killed --------------------------------------------------------


@each_kind
async def test_a_supervisor_that_is_killed_takes_its_children_along_and_comes_back(
    kind: Kind,
) -> None:
    scripts = [Script(), Script()]
    async with world() as it:
        await it.supervise(subtree(*(child(kind, each, f"c{n}") for n, each in enumerate(scripts))))
        sub = it.ref("/sup/sub")
        refs = [it.ref(f"/sup/sub/c{n}") for n in range(2)]

        sub.kill()
        await it.incarnations(1, "/sup/sub")

        assert await names(sub) == ["c0", "c1"]
        assert it.ends("/sup/sub") == ["killed"]
        for ref in refs:
            assert await within(ref.request(Do(birth))) == 2
        # Those of a killed supervisor still run on_stop, as processes that trap exits do.
        assert all(script.hooks(1)[-1] == "on_stop" for script in scripts)
        ended = [event.path for event in it.events.of(IncarnationEnded)]
        assert ended[-1] == "/sup/sub"
        assert it.actors == 4


@each_hanging
async def test_the_hanging_children_of_a_killed_supervisor_are_killed_in_bounded_time(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script()
        await it.supervise(subtree(child(kind, script, shutdown="infinity")))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/it")
        ref.tell(Do(hang))
        await hang.reached()

        sub.kill()
        await it.planned()
        await it.passes(5.0)

        await it.incarnations(1, "/sup/sub")
        assert await within(ref.request(Do(birth))) == 2
        assert it.ends("/sup/sub/it") == ["killed"]
        assert it.ends("/sup/sub") == ["killed"]
        assert len(it.events.of(ThreadLeaked)) == (kind is not AsyncChild)


@each_hanging
async def test_a_supervisor_that_is_killed_in_the_middle_of_its_stop_goes_on_to_its_end(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        first, hanging = Script(), Script().on("on_stop", hang)
        sup = await it.supervise(
            child(kind, first, "first"), child(kind, hanging, shutdown="infinity")
        )
        stopping = sup.stop(block=False)
        await hang.reached()
        await it.passes(100.0)
        assert not stopping.is_done()
        assert first.hooks(1) == ["__init__", "on_start"]

        sup.kill()
        await it.planned()
        await it.passes(6.0)

        assert await within(stopping) is True
        assert it.ends("/sup/it") == ["killed"]
        assert it.ends("/sup/first") == ["killed"]
        assert it.ends("/sup") == ["killed"]
        assert it.actors == 0


@each_hanging
async def test_a_supervisor_that_is_killed_while_a_child_starts_leaves_nobody(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang()
        first, hanging = Script(), Script().on("on_start", hang)
        sup = it.begin(child(kind, first, "first"), child(kind, hanging))
        await hang.reached()

        sup.kill()
        await it.passes(6.0)

        await it.events.until(lambda: it.gone("/sup") == 1)
        assert it.ends("/sup/it") == ["killed"]
        assert len(it.ends("/sup/first")) == 1
        assert it.actors == 0


@each_hanging
async def test_a_supervisor_that_is_killed_while_it_restarts_a_child_leaves_nobody(
    kind: Kind,
) -> None:
    async with world() as it:
        hang = it.hang()
        script = Script().on("on_start", hang, birth=2)
        await it.supervise(subtree(child(kind, script), restart="temporary"))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/it")
        ref.tell(Fail(Crash()))
        ref.tell(Note("queued"))
        await hang.reached()

        sub.kill()
        await it.passes(6.0)

        await it.events.until(lambda: it.gone("/sup/sub") == 1)
        assert it.ends("/sup/sub/it") == ["failed", "killed"]
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert not ref.is_alive()
        assert it.actors == 1


@each_hanging
async def test_brutal_kill_of_a_supervisor_is_bounded(kind: Kind) -> None:
    async with world() as it:
        hang = it.hang(stubborn=True)
        script = Script().on("on_stop", hang)
        sup = await it.supervise(
            subtree(child(kind, script, shutdown="infinity"), shutdown="brutal_kill")
        )

        terminating = asyncio.ensure_future(sup.request(TerminateChild("sub"), timeout=1_000.0))
        await hang.reached()
        await it.passes(10.0)

        await within(terminating)
        assert it.ends("/sup/sub") == ["killed"]
        assert it.ends("/sup/sub/it") == ["killed"]
        assert it.actors == 1


@each_hanging
async def test_what_comes_after_the_death_of_a_supervisor_that_was_given_up_is_nobodys(
    kind: Kind,
) -> None:
    """The time of a subtree ends before that of its child: the rest of it ends all the same."""
    async with world() as it:
        hang = it.hang(stubborn=True)
        script, other = Script().on("on_stop", hang), Script()
        sup = await it.supervise(
            subtree(
                child(kind, other, "other"),
                child(kind, script, shutdown="infinity"),
                shutdown=1.0,
            )
        )
        ref = it.ref("/sup/sub/it")

        terminating = asyncio.ensure_future(sup.request(TerminateChild("sub"), timeout=1_000.0))
        await hang.reached()
        await it.passes(20.0)

        await within(terminating)
        assert not ref.is_alive()
        assert it.actors == 1
        hang.release()
        await turns()
        assert len(it.ends("/sup/sub/it")) == len(it.ends("/sup/sub/other")) == 1
        assert len(it.ends("/sup/sub")) == 1


# -- starts deep down -------------------------------------------------------------------


async def test_a_supervisor_whose_init_fails_on_a_restart_is_tried_again() -> None:
    class Moody(Supervisor):
        made = 0

        def init(self) -> SupervisorSpec:
            Moody.made += 1
            if Moody.made == 2:
                raise Crash("not now")
            return SupervisorSpec([child(LoopChild, script)], intensity=MANY)

        @handler
        def fail(self, message: Fail) -> None:
            raise message.error

    script = Script()
    async with world() as it:
        await it.supervise(ChildSpec("sub", Moody))
        sub, ref = it.ref("/sup/sub"), it.ref("/sup/sub/it")

        sub.tell(Fail(Crash()))
        await it.incarnations(2, "/sup/sub")

        assert await names(sub) == ["it"]
        assert await within(ref.request(Do(birth))) == 2
        assert it.failures("/sup/sub") == [("message", 1), ("on_start", 2)]
        assert it.actors == 3


async def test_a_first_start_that_fails_deep_down_is_undone_all_the_way() -> None:
    error = Crash("deep down")
    other = Script()
    async with world() as it:
        sup = it.begin(
            child(LoopChild, other, "other"),
            nested(3, child(LoopChild, Script().on("on_start", raising(error)))),
        )

        with pytest.raises(Exception, match="deep down"):
            await within(sup.started())

        with pytest.raises(FailedToStartChild) as caught:
            await within(it.system.wait())
        assert [type(each) for each in chain(caught.value)] == [FailedToStartChild] * 4 + [Crash]
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert other.hooks(1)[-1] == "on_stop"
        assert it.actors == 0
        reports = [each for each in it.events.of(ActorFailed) if each.path == "/sup/s1/s2/s3/it"]
        assert len(reports) == 1


# -- giving up --------------------------------------------------------------------------


def nested(depth: int, leaf: ChildSpec, intensity: int = 0) -> ChildSpec:
    """Put the leaf below so many supervisors, each of which gives up at its next restart."""
    spec = leaf
    for level in range(depth, 0, -1):
        spec = subtree(spec, id=f"s{level}", intensity=intensity)
    return spec


def chain(error: BaseException | None) -> list[BaseException]:
    """Return the error and its causes."""
    causes: list[BaseException] = []
    while error is not None:
        causes.append(error)
        error = error.__cause__
    return causes


@each_kind
@pytest.mark.parametrize("phase", ["message", "on_start"])
async def test_a_tree_that_gives_up_at_each_level_tells_the_root_why(
    kind: Kind, phase: str
) -> None:
    error = Crash("the first error")
    script = Script()
    async with world() as it:
        if phase == "on_start":
            # One restart at the bottom is allowed, and its start fails.
            script.on("on_start", raising(error), birth=2)
            bottom = subtree(child(kind, script), id="s3", intensity=1)
            await it.supervise(nested(2, bottom), intensity=0)
            first = Crash("before it")
        else:
            await it.supervise(nested(3, child(kind, script)), intensity=0)
            first = error

        it.ref("/sup/s1/s2/s3/it").tell(Fail(first))

        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())
        causes = chain(caught.value)
        assert [type(each) for each in causes] == [RestartLimitReached] * 4 + [Crash]
        assert causes[-1] is error
        assert [
            (each.path, each.child) for each in causes if isinstance(each, RestartLimitReached)
        ] == [
            ("/sup", "s1"),
            ("/sup/s1", "s2"),
            ("/sup/s1/s2", "s3"),
            ("/sup/s1/s2/s3", "it"),
        ]
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert it.actors == 0
        assert len(it.events.of(RestartLimitExceeded)) == 4


def test_a_thread_that_joins_the_system_gets_the_whole_chain() -> None:
    error = Crash("the first error")
    script = Script()
    with ActorSystem("test") as system:
        spec = SupervisorSpec([nested(3, child(LoopChild, script))], intensity=0)
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        sup.started().get(timeout=LIMIT)
        ref = system.lookup("/sup/s1/s2/s3/it")
        assert ref is not None

        ref.tell(Fail(error))
        with pytest.raises(RestartLimitReached) as caught:
            system.join(timeout=LIMIT)

        assert [type(each) for each in chain(caught.value)] == [RestartLimitReached] * 4 + [Crash]
        assert chain(caught.value)[-1] is error


def test_several_threads_may_join() -> None:
    caught: list[BaseException] = []

    def join() -> None:
        try:
            system.join(timeout=LIMIT)
        except RestartLimitReached as reached:
            caught.append(reached)

    with ActorSystem("test") as system:
        spec = SupervisorSpec([child(ThreadChild, Script())], intensity=0)
        sup = system.spawn(Props(Supervisor, spec), name="sup")
        sup.started().get(timeout=LIMIT)
        threads = [threading.Thread(target=join) for _ in range(4)]
        for thread in threads:
            thread.start()
        ref = system.lookup("/sup/it")
        assert ref is not None

        ref.tell(Fail(Crash()))

        for thread in threads:
            thread.join(LIMIT)
    assert len(caught) == 4
    assert len(set(map(id, caught))) == 1


@each_kind
async def test_restarts_multiply_down_a_tree_and_no_further(kind: Kind) -> None:
    """Each of two levels restarts twice: three times three instances, one error at the end."""
    script = Script()
    crashed = 0

    async with world() as it:
        await it.supervise(
            subtree(child(kind, script), intensity=2, id="s1"), intensity=2, period=100.0
        )
        ref = it.ref("/sup/s1/it")
        while it.system.lookup("/sup") is not None and crashed < 20:
            crashed += 1
            ref.tell(Fail(Crash(crashed)))
            await it.incarnations(crashed, "/sup/s1/it")
            await turns()
            if crashed % 3 == 0:
                await it.incarnations(crashed // 3, "/sup/s1")
            if crashed == 9:
                await it.events.until(lambda: it.gone("/sup") == 1)

        assert crashed == 9
        assert script.births == 9
        with pytest.raises(RestartLimitReached):
            await within(it.system.wait())


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_supervisor_that_gives_up_is_not_restarted_unless_it_is_permanent(
    restart: str,
) -> None:
    script = Script()
    async with world() as it:
        sup = await it.supervise(subtree(child(LoopChild, script), intensity=0, restart=restart))

        it.ref("/sup/sub/it").tell(Fail(Crash()))
        await it.events.until(lambda: it.gone("/sup/sub") == 1)

        assert await names(sup) == (["sub"] if restart == "transient" else [])
        assert it.ends("/sup/sub") == ["shutdown"]
        assert it.actors == 1


# -- below an actor that is no supervisor -----------------------------------------------


class Plain(Actor):
    """An actor that starts a supervisor below itself."""

    def __init__(self, spec: SupervisorSpec, log: list[Any]) -> None:
        self.spec = spec
        self.log = log

    def on_start(self) -> None:
        sup = self.context.spawn(Props(Supervisor, self.spec), name="sup")
        self.context.watch(sup)

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.log.append(exception_value)

    @handler
    def terminated(self, message: Terminated) -> None:
        self.log.append(message)

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)


class AsyncPlain(Plain):
    @handler
    async def do(self, message: Do) -> Any:
        return message.what(self)


class ThreadPlain(Plain, ThreadActor):
    pass


each_plain = pytest.mark.parametrize(
    "plain", [Plain, AsyncPlain, ThreadPlain], ids=lambda each: each.__name__
)


async def started_below(it: World, path: str) -> ActorRef[Any]:
    await it.events.first(ActorStarted, path)
    return it.ref(path)


@each_plain
async def test_a_supervisor_that_gives_up_fails_the_plain_actor_above_it(plain: Any) -> None:
    error = Crash("the first error")
    log: list[Any] = []
    async with world() as it:
        spec = SupervisorSpec([child(LoopChild, Script())], intensity=0)
        it.system.spawn(Props(plain, spec, log), name="plain")
        ref = await started_below(it, "/plain/sup/it")

        ref.tell(Fail(error))

        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())
        await it.events.until(lambda: it.gone("/plain") == 1)
        assert chain(caught.value)[-1] is error
        assert log == [caught.value]
        assert it.failures("/plain") == [("child", 1)]
        assert it.actors == 0


@each_plain
async def test_the_policy_of_the_plain_actor_may_restart_it_with_a_new_supervisor(
    plain: Any,
) -> None:
    seen: list[Failure] = []

    def policy(failure: Failure) -> Directive:
        seen.append(failure)
        return Directive.RESTART

    log: list[Any] = []
    script = Script()
    async with world() as it:
        spec = SupervisorSpec([child(LoopChild, script)], intensity=0)
        ref = it.system.spawn(Props(plain, spec, log).using(policy=policy), name="plain")
        leaf = await started_below(it, "/plain/sup/it")

        leaf.tell(Fail(Crash()))
        await it.incarnations(1, "/plain")
        await it.events.until(lambda: len(it.events.of(ActorStarted, "/plain/sup")) == 2)

        assert ref.is_alive()
        assert not leaf.is_alive()
        assert await within(it.ref("/plain/sup/it").request(Do(birth))) == 2
        assert [(each.phase, type(each.error)) for each in seen] == [("child", RestartLimitReached)]
        assert it.actors == 3
        assert not [each for each in log if isinstance(each, Terminated)]


async def test_a_plain_child_of_a_supervisor_passes_its_failure_up_as_its_own() -> None:
    error = Crash("the first error")
    log: list[Any] = []
    async with world() as it:
        inner = SupervisorSpec([child(LoopChild, Script())], intensity=0)
        await it.supervise(ChildSpec("plain", Props(Plain, inner, log)), intensity=0)
        leaf = await started_below(it, "/sup/plain/sup/it")

        leaf.tell(Fail(error))

        with pytest.raises(RestartLimitReached) as caught:
            await within(it.system.wait())
        paths = [each.path for each in chain(caught.value) if isinstance(each, RestartLimitReached)]
        assert paths == ["/sup", "/sup/plain/sup"]
        assert chain(caught.value)[-1] is error
        await it.events.until(lambda: it.gone("/sup") == 1)
        assert it.actors == 0


# -- grandchildren ----------------------------------------------------------------------


class Parent(Actor):
    """A plain actor that spawns children, and they theirs, as a plan says."""

    def __init__(self, plan: list[Any]) -> None:
        self.plan = plan

    def on_start(self) -> None:
        for kind, below in self.plan:
            self.context.spawn(Props(kind, below))

    @handler
    def do(self, message: Do) -> Any:
        return message.what(self)

    @handler
    def fail(self, message: Fail) -> None:
        raise message.error


class AsyncParent(Parent):
    @handler
    async def do(self, message: Do) -> Any:
        return message.what(self)


class ThreadParent(Parent, ThreadActor):
    pass


class InitParent(Parent):
    """Spawns already in ``__init__``."""

    def __init__(self, plan: list[Any]) -> None:
        super().__init__(plan)
        for kind, below in plan:
            self.context.spawn(Props(kind, below))

    def on_start(self) -> None:
        pass


PARENTS = [Parent, AsyncParent, InitParent]


def size(plan: list[Any]) -> int:
    return sum(1 + size(below) for _, below in plan)


def random_plan(random: Random, depth: int, kinds: list[Any]) -> list[Any]:
    if depth == 0:
        return []
    return [
        (random.choice(kinds), random_plan(random, depth - 1, kinds))
        for _ in range(random.randint(0, 3))
    ]


@pytest.mark.parametrize("kind", [Parent, AsyncParent, ThreadParent, InitParent])
async def test_the_grandchildren_of_a_child_that_crashes_end_with_it(kind: Any) -> None:
    plan: list[Any] = [(kind, [(kind, []), (kind, [])]), (kind, [])]
    async with world() as it:
        await it.supervise(ChildSpec("it", Props(kind, plan)))
        ref = it.ref()
        await within(it.ref().request(Do(lambda actor: None)))
        await it.events.until(lambda: len(it.events.of(ActorStarted)) == 6)
        before = [event.path for event in it.events.of(ActorStarted)]

        ref.tell(Fail(Crash()))
        await it.incarnations(1)
        await it.events.until(lambda: len(it.events.of(ActorStarted)) == 6 + 5)

        assert it.actors == 6
        below = {path for path in before if path.startswith("/sup/it/")}
        assert {event.path for event in it.events.of(ActorEnded)} == below
        assert not any(it.system.lookup(path) for path in below)


async def test_a_thousand_random_trees_leave_no_orphan() -> None:
    random = Random(4711)
    async with world(logger=silent()) as it:
        sup = await it.supervise()
        for number in range(1_000):
            plan = random_plan(random, 3, PARENTS)
            kind = random.choice(PARENTS)
            spec = ChildSpec("it", Props(kind, plan), restart="temporary")
            ref = await started(sup, StartChild(spec))
            # Also while those below still start.
            if random.random() < 0.5:
                await turns(random.randint(0, 5))
            match random.randrange(4):
                case 0:
                    ref.tell(Fail(Crash(number)))
                case 1:
                    ref.kill()
                case 2:
                    ref.request_stop()
                case _:
                    victims = descendants(ref)
                    for victim in random.sample(victims, min(3, len(victims))):
                        victim.kill()
                    ref.tell(Fail(Crash(number)))
            await it.events.until(lambda: not ref.is_alive())  # noqa: B023 - looked at at once
            assert it.actors == 1, f"tree {number} left {it.actors - 1}"

        assert it.system.statistics().actors_at_peak > 10
        assert len(it.events.of(ActorStarted)) > 2_000
        assert orphans(it.events.all) == {("/sup", 1)}
        assert balance(it.events.all) == {}


def descendants(ref: ActorRef[Any]) -> list[ActorRef[Any]]:
    found: list[ActorRef[Any]] = []
    cells = [*(ref.cell.children or {}).values()]
    while cells:
        cell = cells.pop()
        found.append(cell.ref)
        cells.extend((cell.children or {}).values())
    return found


def balance(events: list[LifecycleEvent]) -> dict[str, int]:
    """Return the paths at which more incarnations ended than started, or an end came twice."""
    ended: dict[tuple[str, int], int] = {}
    for event in events:
        if isinstance(event, ActorStarted):
            ended.pop((event.path, event.incarnation), None)
        if isinstance(event, IncarnationEnded):
            key = (event.path, event.incarnation)
            ended[key] = ended.get(key, 0) + 1
    return {path: count for (path, _), count in ended.items() if count > 1}


# -- the end of the system --------------------------------------------------------------


def hanging_tree(kind: Kind, hang: Any, hook: Hook | None, depth: int = 2) -> list[ChildSpec]:
    """Make supervisors of supervisors of children that hang, none of them with a limit."""
    script = Script()
    if hook is not None:
        script.on(hook, hang)
    leaves = [child(kind, script, f"c{n}", shutdown="infinity") for n in range(2)]
    specs = leaves
    for level in range(depth):
        specs = [subtree(*specs, id=f"s{level}"), child(LoopChild, Script(), f"p{level}")]
    return specs


@each_hanging
@pytest.mark.parametrize("where", ["handler", "on_stop"])
@pytest.mark.parametrize("stubborn", [False, True], ids=["yielding", "stubborn"])
async def test_a_system_of_hanging_trees_ends_in_bounded_time_and_leaves_nothing(
    kind: Kind, where: str, stubborn: bool
) -> None:
    async with world(shutdown_timeout=10.0) as it:
        hang = it.hang(stubborn=stubborn)
        await it.supervise(*hanging_tree(kind, hang, "on_stop" if where == "on_stop" else None))
        leaves = [it.ref(f"/sup/s1/s0/c{n}") for n in range(2)]
        if where == "handler":
            for leaf in leaves:
                leaf.tell(Do(hang))
            await hang.reached(2)
        ending = asyncio.ensure_future(it.system.shutdown())
        await hang.reached()
        leaves[1].tell(Note("queued"))
        await it.passes(9.99)
        assert not ending.done()
        while not ending.done() and it.clock.monotonic() < 40.0:
            await it.passes(0.25)
            await asyncio.wait({ending}, timeout=0.01)

        assert ending.done(), "not within its 10 s and 30 s of grace"
        await ending
        assert it.actors == 0
        assert not any(leaf.is_alive() for leaf in leaves)
        assert it.letters(DeadLetterReason.STOPPED) == ["queued"]
        assert len(it.events.of(ShutdownTimedOut)) == 1
        assert isinstance(it.events.all[-1], SystemEnded)
        # Each actor has ended once.
        paths = [event.path for event in it.events.of(ActorEnded)]
        assert len(paths) == len(set(paths)) == 8


async def test_a_system_ends_while_a_child_hangs_in_its_start() -> None:
    async with world(shutdown_timeout=5.0) as it:
        hang = it.hang()
        script = Script().on("on_start", hang)
        sup = it.begin(child(AsyncChild, script))
        starting = sup.started()
        await hang.reached()

        ending = asyncio.ensure_future(it.system.shutdown())
        while not ending.done() and it.clock.monotonic() < 20.0:
            await it.passes(0.25)

        assert ending.done()
        await ending
        assert it.actors == 0
        assert starting.is_done()


async def test_a_system_ends_during_a_storm_of_restarts() -> None:
    script = Script()
    script.on("on_start", lambda actor: actor.actor_ref.tell(Fail(Crash())))
    async with world() as it:
        await it.supervise(
            *(child(kind, script, f"c{n}") for n, kind in enumerate([LoopChild, AsyncChild])),
            intensity=1_000_000,
        )
        await it.events.until(lambda: script.births > 100)

        await within(it.system.shutdown())

        births = script.births
        await turns()
        assert script.births == births
        assert it.actors == 0
