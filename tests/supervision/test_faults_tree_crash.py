"""A supervisor that crashes, and one that fails to start, with the tree below it."""

import asyncio
from typing import Any

import pytest

from dramaturg.actors import (
    ActorFailed,
    ActorRef,
    ActorStarted,
    ActorStopped,
    DeadLetterReason,
    IncarnationEnded,
    handler,
)
from dramaturg.supervision import (
    ChildSpec,
    FailedToStartChild,
    StartChild,
    StartInstance,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
)
from tests.actors.kit import LIMIT, Crash, Do, Fail, Note, within
from tests.any_order import moment
from tests.supervision.fault_world import started, world
from tests.supervision.faults import (
    MANY,
    Kind,
    LoopChild,
    Script,
    birth,
    child,
    each_hanging,
    each_kind,
    raising,
    template,
)
from tests.supervision.kit import chain
from tests.supervision.trees_kit import names, nested, subtree

# -- a supervisor that crashes -----------------------------------------------------------


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
            while not ref.cell.control:  # the order to stop has not come yet
                await moment()
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


# -- starts deep down --------------------------------------------------------------------


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
