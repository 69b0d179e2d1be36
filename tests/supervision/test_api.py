"""What a supervisor can be asked: every request with every outcome, of groups and of pools."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pykka
import pytest

from dramaturg.actors import (
    Actor,
    ActorFailed,
    ActorRef,
    ActorStarted,
    ActorSystem,
    DramaturgError,
    GoneError,
    Ignore,
    IncarnationEnded,
    InvalidNameError,
    ManualClock,
    OptionError,
    Props,
    Refused,
    StartFailed,
    Terminated,
    ThreadActor,
    UsageError,
    _endings as endings,
)
from dramaturg.supervision import (
    AlreadyPresent,
    AlreadyStarted,
    Backoff,
    ChildCounts,
    ChildInfo,
    ChildNotFound,
    ChildRefused,
    ChildRestarting,
    ChildRunning,
    ChildSpec,
    ChildStarted,
    ChildStartFailed,
    CountChildren,
    DeleteChild,
    FailedToStartChild,
    GetChildSpec,
    PoolRefused,
    RestartChild,
    RestartLimitExceeded,
    RestartLimitReached,
    ShutdownFailed,
    SpecError,
    SpecRefused,
    StartChild,
    StartInstance,
    StartTimeout,
    Supervisor,
    SupervisorSpec,
    TerminateChild,
    WhichChildren,
)
from tests.actors.kit import Crash, Do, Events, Latch, Puppet, deaf, ended, within
from tests.supervision.kit import (
    INFO,
    SCRIPTED,
    Kind,
    Outcome,
    QuietLoop,
    Script,
    Tree,
    child,
    crash,
    growing,
    leave,
    planted,
)

each_kind = pytest.mark.parametrize("kind", ["loop", "task", "thread"])
each_failure = pytest.mark.parametrize("outcome", ["fail", "fail in init"])
each_ignore = pytest.mark.parametrize("outcome", ["ignore", "ignore in init"])


async def ask(tree: Tree, message: Any) -> Any:
    return await within(tree.top.request(message))


async def refused(tree: Tree, message: Any, cls: type[ChildRefused]) -> Any:
    """Check that the supervisor says no, lives on, and has changed nothing."""
    before = await tree.children()
    with pytest.raises(ChildRefused) as caught:
        await ask(tree, message)
    assert type(caught.value) is cls
    assert caught.value.path == "/top"
    assert await tree.children() == before
    return caught.value


def restarting(script: Script, id_: str = "a") -> ChildSpec:
    """Make the spec of a child that, once it has failed, is restarting for an hour."""
    return child(script, id_, backoff=Backoff(3_600, 3_600))


# -- StartChild ------------------------------------------------------------------------------


@each_kind
async def test_a_child_is_added_as_the_last_and_started(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        reply = await ask(tree, StartChild(child(script, "b", kind)))

        assert reply == ChildStarted(tree.ref("b"), None)
        assert await tree.states() == {"a": "running", "b": "running"}
        assert await within(tree.ref("b").request(Do(lambda _: "at work"))) == "at work"


@each_kind
async def test_what_on_start_returned_comes_with_the_reply(kind: Kind) -> None:
    script = Script()
    script.plan("a", "info")

    async with planted() as tree:
        reply = await ask(tree, StartChild(child(script, "a", kind)))

        assert reply.info == INFO


@each_kind
@each_ignore
@pytest.mark.parametrize(
    ("restart", "left"),
    [("permanent", {"a": "down"}), ("transient", {"a": "down"}), ("temporary", {})],
)
async def test_a_child_that_asks_to_be_ignored_keeps_its_spec_unless_it_is_temporary(
    kind: Kind, outcome: Outcome, restart: Any, left: dict[str, str]
) -> None:
    script = Script()
    script.plan("a", outcome)

    async with planted() as tree:
        reply = await ask(tree, StartChild(child(script, "a", kind, restart=restart)))

        assert reply == ChildStarted(None)
        assert await tree.states() == left
        assert not tree.events.of(ActorFailed)


async def test_a_running_id_is_not_started_again() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        error = await refused(tree, StartChild(child(script, "a")), AlreadyStarted)

        assert (error.child, error.ref) == ("a", tree.ref("a"))


async def test_an_id_that_does_not_run_is_not_started_again() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await ask(tree, TerminateChild("a"))

        error = await refused(tree, StartChild(child(script, "a")), AlreadyPresent)

        assert error.child == "a"


async def test_an_id_whose_restart_is_due_is_not_started_again() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)

        await refused(tree, StartChild(child(script, "a")), AlreadyPresent)


@each_kind
@each_failure
async def test_a_child_that_does_not_come_up_leaves_nothing(kind: Kind, outcome: Outcome) -> None:
    script = Script()
    script.plan("a", outcome)

    async with planted(intensity=0) as tree:
        error = await refused(tree, StartChild(child(script, "a", kind)), ChildStartFailed)

        assert isinstance(error.error, Crash)
        assert error.__cause__ is error.error
        assert (error.child, str(error.error)) == ("a", outcome)
        assert tree.system.lookup("/top/a") is None
        assert (await ask(tree, StartChild(child(script, "a", kind)))).ref is not None


def test_a_child_that_takes_too_long_to_start_does_not_come_up() -> None:
    class Slow(Actor):
        async def on_start(self) -> None:
            await deaf(self)

    loop = QuietLoop()

    async def play() -> None:
        async with planted() as tree:
            asked = tree.top.ask(StartChild(ChildSpec("a", Slow, start_timeout=2.0)), block=False)
            await loop.quiet(tree.system)
            tree.clock.advance(1.9)
            await loop.quiet(tree.system)
            assert not asked.is_done()
            tree.clock.advance(0.1)

            with pytest.raises(ChildStartFailed) as caught:
                await within(asked)

            error = caught.value.error
            assert isinstance(error, StartTimeout)
            assert (error.path, error.timeout) == ("/top/a", 2.0)
            assert await tree.states() == {}

    loop.run_and_close(play())


async def test_a_significant_child_is_refused_where_nothing_would_come_of_it() -> None:
    script = Script()
    spec = child(script, "a", restart="temporary", significant=True)

    async with planted() as tree:
        error = await refused(tree, StartChild(spec), SpecRefused)

        assert (error.child, error.problem) == ("a", "bad_combination")
        assert not script.begun


async def test_only_a_spec_can_be_asked_to_start() -> None:
    wrong: Any = "a"

    with pytest.raises(OptionError, match="spec"):
        StartChild(wrong)


async def test_what_was_added_is_lost_when_the_supervisor_is_restarted() -> None:
    script = Script()
    sub = ChildSpec("sub", SupervisorSpec([child(script, "a")]))

    async with planted([sub]) as tree:
        added = StartChild(child(script, "b"))
        ref = (await within(tree.ref("sub").request(added))).ref
        await within(tree.ref("sub").request(TerminateChild("a")))
        await within(tree.ref("sub").request(DeleteChild("a")))

        assert ref is not None
        await tree.end_of("sub", lambda sub: sub.request_stop())

        found = await within(tree.ref("sub").request(WhichChildren()))
        assert [(each.id, each.state) for each in found] == [("a", "running")]
        assert not ref.is_alive()


# -- TerminateChild --------------------------------------------------------------------------


@each_kind
async def test_a_terminated_child_keeps_its_spec_and_is_not_restarted(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a", kind), child(script, "b")], intensity=0) as tree:
        ref = tree.ref("a")

        assert await ask(tree, TerminateChild("a")) is None

        assert await tree.states() == {"a": "down", "b": "running"}
        assert not ref.is_alive()
        assert tree.events.of(IncarnationEnded, "/top/a")[0].reason.kind == "shutdown"


async def test_a_terminated_child_may_be_named_by_its_ref() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        ref = tree.ref("a")
        await ask(tree, TerminateChild(ref))
        await ask(tree, TerminateChild(ref))

        assert await tree.states() == {"a": "down"}


async def test_a_terminated_temporary_child_is_forgotten() -> None:
    script = Script()

    async with planted([child(script, "a", restart="temporary")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert await tree.states() == {}


async def test_terminating_what_does_not_run_is_fine() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert await ask(tree, TerminateChild("a")) is None


async def test_terminating_ends_the_attempts_to_restart() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)
        assert await tree.states() == {"a": "restarting"}

        await ask(tree, TerminateChild("a"))

        assert await tree.advance(3_600) == {"a": "down"}


@pytest.mark.parametrize("message", [TerminateChild, RestartChild, DeleteChild, GetChildSpec])
async def test_a_child_that_is_not_there_is_not_found(message: Any) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        error = await refused(tree, message("b"), ChildNotFound)

        assert error.child == "b"


@pytest.mark.parametrize("message", [TerminateChild, GetChildSpec])
async def test_somebody_elses_ref_is_not_found(message: Any) -> None:
    async with planted() as tree:
        stranger = tree.system.spawn(Puppet)

        error = await refused(tree, message(stranger), ChildNotFound)

        assert error.child == stranger


@pytest.mark.parametrize("message", [TerminateChild, RestartChild, DeleteChild, GetChildSpec])
@pytest.mark.parametrize("nonsense", [["a"], {"a": 1}, None, 7], ids=str)
async def test_nonsense_in_the_place_of_an_id_is_refused_and_harms_nobody(
    message: Any, nonsense: Any
) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        with pytest.raises((OptionError, ChildNotFound)):
            await ask(tree, message(nonsense))

        assert await tree.states() == {"a": "running"}
        assert len(script.begun) == 1


# -- RestartChild ----------------------------------------------------------------------------


@each_kind
async def test_a_terminated_child_is_started_again_under_its_old_ref(kind: Kind) -> None:
    script = Script()
    script.plan("a", "ok", "info")

    async with planted([child(script, "a", kind), child(script, "b")], intensity=0) as tree:
        ref = tree.ref("a")
        await ask(tree, TerminateChild("a"))

        reply = await ask(tree, RestartChild("a"))

        assert reply == ChildStarted(ref, INFO)
        assert ref.is_alive()
        assert await within(ref.request(Do(lambda _: "at work"))) == "at work"
        assert await tree.states() == {"a": "running", "b": "running"}


async def test_a_transient_child_that_has_finished_is_started_again() -> None:
    script = Script()

    async with planted([child(script, "a", restart="transient")]) as tree:
        await tree.end_of("a", leave)
        assert await tree.states() == {"a": "down"}

        assert (await ask(tree, RestartChild("a"))).ref is tree.ref("a")


async def test_a_running_child_is_not_restarted() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await refused(tree, RestartChild("a"), ChildRunning)


async def test_a_child_whose_restart_is_due_is_not_restarted() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)

        await refused(tree, RestartChild("a"), ChildRestarting)


@each_kind
@each_failure
async def test_a_restart_on_request_that_fails_is_not_tried_again(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()

    async with planted([child(script, "a", kind)], intensity=0) as tree:
        await ask(tree, TerminateChild("a"))
        script.plan("a", outcome, outcome)

        for _ in range(2):
            error = await refused(tree, RestartChild("a"), ChildStartFailed)
            assert isinstance(error.error, Crash)

        assert len(script.begun) == 3
        assert (await ask(tree, RestartChild("a"))).ref is not None


@each_ignore
async def test_a_restart_on_request_may_be_ignored(outcome: Outcome) -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await ask(tree, TerminateChild("a"))
        script.plan("a", outcome)

        assert await ask(tree, RestartChild("a")) == ChildStarted(None)
        assert await tree.states() == {"a": "down"}


async def test_starts_and_restarts_on_request_are_not_counted() -> None:
    script = Script()

    async with planted([child(script, "a")], intensity=1) as tree:
        for _ in range(5):
            await ask(tree, TerminateChild("a"))
            await ask(tree, RestartChild("a"))
        for _ in range(5):
            await ask(tree, StartChild(child(script, "b")))
            await ask(tree, TerminateChild("b"))
            await ask(tree, DeleteChild("b"))

        await tree.end_of("a", crash)
        assert await tree.states() == {"a": "running"}


# -- DeleteChild -----------------------------------------------------------------------------


async def test_a_deleted_child_is_forgotten_and_its_id_is_free() -> None:
    script = Script()

    async with planted([child(script, "a"), child(script, "b")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert await ask(tree, DeleteChild("a")) is None

        assert await tree.states() == {"b": "running"}
        await ask(tree, StartChild(child(script, "a")))
        assert await tree.states() == {"b": "running", "a": "running"}


async def test_a_running_child_is_not_deleted() -> None:
    script = Script()

    async with planted([child(script, "a")]) as tree:
        await refused(tree, DeleteChild("a"), ChildRunning)


async def test_a_child_whose_restart_is_due_is_not_deleted() -> None:
    script = Script()

    async with planted([restarting(script)]) as tree:
        await tree.end_of("a", crash)

        await refused(tree, DeleteChild("a"), ChildRestarting)


# -- WhichChildren, CountChildren, GetChildSpec ----------------------------------------------


def a_mixed_group(script: Script) -> list[ChildSpec]:
    return [
        child(script, "a"),
        ChildSpec("sub", SupervisorSpec()),
        restarting(script, "c"),
        child(script, "d", restart="transient"),
    ]


async def test_children_are_listed_in_start_order_with_what_they_are() -> None:
    script = Script()

    async with planted(a_mixed_group(script)) as tree:
        await tree.end_of("c", crash)
        await tree.end_of("d", leave)

        assert await ask(tree, WhichChildren()) == (
            ChildInfo("a", tree.ref("a"), "running", "worker"),
            ChildInfo("sub", tree.ref("sub"), "running", "supervisor"),
            ChildInfo("c", None, "restarting", "worker"),
            ChildInfo("d", None, "down", "worker"),
        )


async def test_children_are_counted() -> None:
    script = Script()

    async with planted(a_mixed_group(script)) as tree:
        await tree.end_of("c", crash)
        await tree.end_of("d", leave)

        assert await ask(tree, CountChildren()) == ChildCounts(4, 2, 1, 3)


async def test_a_child_without_an_actor_keeps_its_place() -> None:
    script = Script()

    async with planted([child(script, each) for each in "abc"]) as tree:
        await ask(tree, TerminateChild("a"))
        await ask(tree, RestartChild("a"))

        assert [*await tree.states()] == ["a", "b", "c"]


async def test_a_spec_is_given_with_all_its_defaults() -> None:
    script = Script()
    spec = child(script, "a")

    async with planted([spec]) as tree:
        assert await ask(tree, GetChildSpec("a")) == spec
        assert await ask(tree, GetChildSpec(tree.ref("a"))) == spec
        await ask(tree, TerminateChild("a"))
        assert (await ask(tree, GetChildSpec("a"))).shutdown == 5.0


# -- pools -----------------------------------------------------------------------------------


def pool(script: Script, kind: Kind = "loop", **options: Any) -> dict[str, Any]:
    """Make the options of a pool whose template is called "a"."""
    return {
        "children": [child(script, "a", kind, **options)],
        "strategy": "simple_one_for_one",
    }


async def test_a_pool_starts_empty() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        assert await tree.children() == ()
        assert await ask(tree, CountChildren()) == ChildCounts(1, 0, 0, 0)
        assert not script.begun


@each_kind
async def test_an_instance_gets_its_arguments_after_those_of_the_template(kind: Kind) -> None:
    script = Script()

    async with planted(**pool(script, kind)) as tree:
        reply = await ask(tree, StartInstance("ann", limit=10))

        given = await within(reply.ref.request(Do(lambda actor: actor.given)))
        assert given == (("ann",), {"limit": 10})
        assert await ask(tree, WhichChildren()) == (
            ChildInfo(reply.ref.name, reply.ref, "running", "worker"),
        )


async def test_an_instance_gets_its_own_arguments_again_when_it_is_restarted() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        first = (await ask(tree, StartInstance("ann"))).ref
        await ask(tree, StartInstance("bob"))

        await tree.end_of(first.name, crash)

        given = await within(first.request(Do(lambda actor: actor.given)))
        assert given == (("ann",), {})


async def test_instances_are_numbered_or_named() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        for name in (None, "own", None):
            await ask(tree, StartInstance(name=name))

        assert [*await tree.states()] == ["a-1", "own", "a-2"]
        assert await ask(tree, CountChildren()) == ChildCounts(1, 3, 0, 3)


async def test_a_number_that_somebody_has_as_a_name_is_passed_over() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        own = (await ask(tree, StartInstance(name="a-1"))).ref

        other = (await ask(tree, StartInstance())).ref

        assert other != own
        assert [each.ref for each in await tree.children()] == [own, other]


async def test_the_name_of_an_instance_is_not_given_again() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        first = (await ask(tree, StartInstance(name="own"))).ref

        error = await refused(tree, StartInstance(name="own"), AlreadyStarted)

        assert (error.child, error.ref) == ("own", first)


async def test_the_name_of_an_instance_whose_restart_is_due_is_not_given_again() -> None:
    script = Script()

    async with planted(**pool(script, backoff=Backoff(9, 9))) as tree:
        await ask(tree, StartInstance(name="own"))
        await tree.end_of("own", crash)

        await refused(tree, StartInstance(name="own"), AlreadyPresent)


async def test_the_name_of_an_instance_that_is_gone_is_free() -> None:
    script = Script()

    async with planted(**pool(script, restart="temporary")) as tree:
        first = (await ask(tree, StartInstance(name="own"))).ref
        await tree.end_of("own", leave)

        second = (await ask(tree, StartInstance(name="own"))).ref

        assert second != first
        assert not first.is_alive()


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", 7, ["own"]], ids=str)
async def test_an_instance_cannot_have_a_name_that_no_path_holds(name: Any) -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        with pytest.raises((ChildStartFailed, InvalidNameError, OptionError)) as caught:
            await ask(tree, StartInstance(name=name))

        error = caught.value
        assert not isinstance(error, ChildStartFailed) or isinstance(error.error, InvalidNameError)
        assert await tree.states() == {}


@each_kind
@each_failure
async def test_an_instance_that_does_not_come_up_leaves_nothing(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()
    script.plan("own", outcome)

    async with planted(**pool(script, kind), intensity=0) as tree:
        error = await refused(tree, StartInstance(name="own"), ChildStartFailed)

        assert isinstance(error.error, Crash)
        assert tree.system.lookup("/top/own") is None


async def test_an_instance_with_wrong_arguments_does_not_come_up() -> None:
    async with planted([ChildSpec("a", Puppet)], strategy="simple_one_for_one") as tree:
        error = await refused(tree, StartInstance(1, 2, 3), ChildStartFailed)

        assert isinstance(error.error, TypeError)


@each_ignore
async def test_an_instance_that_asks_to_be_ignored_leaves_nothing(outcome: Outcome) -> None:
    script = Script()
    script.plan("own", outcome)

    async with planted(**pool(script)) as tree:
        assert await ask(tree, StartInstance(name="own")) == ChildStarted(None)
        assert await tree.states() == {}


async def test_only_a_pool_has_instances() -> None:
    async with planted() as tree:
        await refused(tree, StartInstance(), ChildNotFound)


async def test_a_pool_starts_no_children_by_spec() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        error = await refused(tree, StartChild(child(script, "b")), PoolRefused)

        assert error.child == "b"


@pytest.mark.parametrize("message", [TerminateChild, RestartChild, DeleteChild])
@pytest.mark.parametrize("id_", ["a", "a-1", "nobody"])
async def test_a_pool_knows_no_ids(message: Any, id_: str) -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        await ask(tree, StartInstance())

        error = await refused(tree, message(id_), PoolRefused)

        assert error.child == id_


@pytest.mark.parametrize("message", [RestartChild, DeleteChild])
async def test_a_pool_restarts_and_deletes_no_instance_by_ref_either(message: Any) -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        ref = (await ask(tree, StartInstance())).ref

        await refused(tree, message(ref), PoolRefused)


@each_kind
async def test_an_instance_is_terminated_by_its_ref_and_forgotten(kind: Kind) -> None:
    script = Script()

    async with planted(**pool(script, kind)) as tree:
        refs = [(await ask(tree, StartInstance())).ref for _ in range(2)]

        await ask(tree, TerminateChild(refs[0]))
        await ask(tree, TerminateChild(refs[0]))

        assert [each.ref for each in await tree.children()] == refs[1:]
        assert not refs[0].is_alive()


async def test_a_pool_says_of_a_stranger_that_it_is_not_found() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        await refused(tree, TerminateChild(tree.top), ChildNotFound)


async def test_a_pool_gives_its_template() -> None:
    script = Script()
    options = pool(script)

    async with planted(**options) as tree:
        ref = (await ask(tree, StartInstance())).ref

        assert [await ask(tree, GetChildSpec("a"))] == options["children"]
        assert [await ask(tree, GetChildSpec(ref))] == options["children"]


async def test_a_pool_says_of_another_template_that_it_is_not_found() -> None:
    script = Script()

    async with planted(**pool(script)) as tree:
        await refused(tree, GetChildSpec("b"), ChildNotFound)


async def test_the_instances_of_a_killed_pool_do_not_come_back_as_others() -> None:
    script = Script()
    sub = ChildSpec("sub", SupervisorSpec(**pool(script)))

    async with planted([sub]) as tree:
        before = (await within(tree.ref("sub").request(StartInstance("ann")))).ref
        assert before is not None
        watcher = tree.system.spawn(Puppet)
        await within(watcher.request(Do(lambda actor: actor.context.watch(before))))

        await tree.end_of("sub", lambda sub: sub.kill())
        after = (await within(tree.ref("sub").request(StartInstance("bob")))).ref

        assert after != before
        assert not before.is_alive()
        log = await within(watcher.request(Do(lambda actor: [*actor.log])))
        assert [each.ref for each in log if isinstance(each, Terminated)] == [before]


# -- supervisors that do not come up ---------------------------------------------------------


def test_a_supervisor_is_made_from_a_spec_and_nothing_else() -> None:
    wrong: Any = [ChildSpec("a", Puppet)]

    with pytest.raises(SpecError) as caught:
        Supervisor(wrong)

    assert caught.value.problem == "bad_return"


async def test_a_supervisor_whose_init_returns_no_spec_does_not_come_up() -> None:
    class Wrong(Supervisor):
        def init(self) -> Any:
            return None

    async with ActorSystem("test", hold_limit=None) as system:
        with pytest.raises(StartFailed) as caught:
            await within(system.spawn(Wrong).started())

    assert isinstance(caught.value.__cause__, SpecError)
    assert caught.value.__cause__.problem == "bad_return"


async def test_a_supervisor_may_ask_to_be_ignored() -> None:
    class Unwanted(Supervisor):
        def init(self) -> SupervisorSpec:
            raise Ignore

    async with planted([ChildSpec("sub", Unwanted)]) as tree:
        assert await tree.states() == {"sub": "down"}
        assert not tree.events.of(ActorFailed)


@each_kind
@each_failure
async def test_a_supervisor_does_not_come_up_without_one_of_its_children(
    kind: Kind, outcome: Outcome
) -> None:
    script = Script()
    script.plan("b", outcome)

    async with growing(SupervisorSpec([child(script, each, kind) for each in "abc"])) as tree:
        with pytest.raises(StartFailed) as caught:
            await within(tree.top.started())

        error = caught.value.__cause__
        assert isinstance(error, FailedToStartChild)
        assert isinstance(error, GoneError)
        assert (error.path, error.child) == ("/top", "b")
        assert isinstance(error.error, Crash)
        assert error.__cause__ is error.error
        assert [path for _, path in script.begun] == ["/top/a", "/top/b"]
        await ended(tree.top)
        assert tree.system.lookup("/top/a") is None


class Fussy(Supervisor):
    """A supervisor whose ``__init__`` does as its script says."""

    def __init__(self, script: Script, spec: SupervisorSpec) -> None:
        super().__init__(spec)
        script.begin(self)


@pytest.mark.parametrize("outcome", ["fail in init", "ignore in init"])
async def test_a_supervisor_whose_init_failed_once_comes_up_with_its_children(
    outcome: Outcome,
) -> None:
    script = Script()
    start = Props(Fussy, script, SupervisorSpec([child(script, "a")]))

    async with planted([ChildSpec("sub", start)], intensity=2) as tree:
        script.plan("sub", outcome)
        await tree.end_of("sub", lambda sub: sub.request_stop())
        if outcome == "ignore in init":
            await ask(tree, RestartChild("sub"))

        assert await tree.states() == {"sub": "running"}
        found = await within(tree.ref("sub").request(WhichChildren()))
        assert [(each.id, each.state) for each in found] == [("a", "running")]


async def test_a_supervisor_restarts_with_a_child_of_pykkas() -> None:
    class Blocking(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            return message

    sub = ChildSpec("sub", SupervisorSpec([ChildSpec("a", Blocking)]))

    async with planted([sub]) as tree:
        await tree.end_of("sub", lambda sub: sub.request_stop())

        assert await tree.states() == {"sub": "running"}
        assert await within(tree.ref("sub/a").request("hello")) == "hello"


def test_the_late_end_of_a_thread_is_not_taken_for_that_of_its_successor() -> None:
    """Its supervisor has started it again before the old thread is quite through."""
    may_stop, may_go_on = Latch(), Latch()
    made: list[int] = []

    class Slow(ThreadActor):
        def __init__(self) -> None:
            made.append(self.context.incarnation)

        def on_stop(self) -> None:
            may_stop.wait()

    sub = ChildSpec("sub", SupervisorSpec([ChildSpec("a", Slow)]))
    loop = QuietLoop()

    async def play() -> None:
        async with planted([sub]) as tree:
            slow, supervisor = tree.ref("sub/a"), tree.ref("sub")
            supervisor.request_stop()
            await loop.quiet(tree.system, threads=False)
            # Behind its supervisor, who is told first.
            endings.incarnation_ended(slow.cell).add_done_callback(may_go_on.wait)
            may_stop.open()
            await tree.events.until(lambda: len(tree.events.of(ActorStarted, "/top/sub")) == 2)
            may_go_on.open()
            await loop.quiet(tree.system)
            assert made == [1, 2]
            assert len(tree.events.of(ActorStarted, "/top/sub/a")) == 2

    loop.run_and_close(play())


# -- supervisors that give up ----------------------------------------------------------------


async def test_at_the_top_of_the_tree_the_end_of_a_supervisor_that_gave_up_is_raised() -> None:
    script = Script()

    async with planted([child(script, "a")], intensity=0, period=3.0) as tree:
        crash(tree.ref("a"))

        with pytest.raises(RestartLimitReached) as caught:
            await within(tree.system.wait())

        error = caught.value
        assert (error.path, error.child, error.intensity, error.period) == ("/top", "a", 0, 3.0)
        assert isinstance(error.__cause__, Crash)
        await ended(tree.top)
        [event] = tree.events.of(RestartLimitExceeded)
        assert (event.path, event.child, event.intensity, event.period) == ("/top", "a", 0, 3.0)


async def test_the_first_error_is_at_the_end_of_the_chain_of_causes() -> None:
    script = Script()
    inner = ChildSpec("inner", SupervisorSpec([child(script, "a")], intensity=0))
    outer = ChildSpec("outer", SupervisorSpec([inner], intensity=0))

    async with planted([outer], intensity=0) as tree:
        crash(tree.ref("outer/inner/a"))
        with pytest.raises(RestartLimitReached) as caught:
            await within(tree.system.wait())

        error: BaseException | None = caught.value
        chain: list[BaseException] = []
        while error is not None:
            chain.append(error)
            error = error.__cause__
        assert [type(each) for each in chain] == [RestartLimitReached] * 3 + [Crash]
        assert [getattr(each, "child", None) for each in chain] == ["outer", "inner", "a", None]


async def test_below_an_actor_that_is_no_supervisor_that_actor_fails() -> None:
    script = Script()
    spec = SupervisorSpec([child(script, "a")], intensity=0)

    async with ActorSystem("test", clock=ManualClock(), hold_limit=None) as system:
        events = Events(system)
        above = system.spawn(Puppet, name="above")
        ref = await within(
            above.request(Do(lambda actor: actor.context.spawn(Props(Supervisor, spec), name="s")))
        )
        await within(ref.started())
        worker = system.lookup("/above/s/a")
        assert worker is not None
        crash(worker)

        failure = await events.first(ActorFailed, "/above")
        assert isinstance(failure.error, RestartLimitReached)


# -- how a child ends ------------------------------------------------------------------------

ENDS: dict[str, Callable[[ActorRef[Any]], Any]] = {
    "crash": crash,
    "kill": lambda ref: ref.kill(),
    "normal": leave,
    "shutdown": lambda ref: leave(ref, "shutdown"),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("kind", SCRIPTED)
async def test_what_follows_an_end_depends_on_restart_type_and_reason(
    kind: Kind, restart: Any, end: str
) -> None:
    script = Script()
    again = restart == "permanent" or (restart == "transient" and end in {"crash", "kill"})

    async with planted([child(script, "a", kind, restart=restart)]) as tree:
        ref = tree.ref("a")
        await tree.end_of("a", ENDS[end])

        left = {} if restart == "temporary" else {"a": "running" if again else "down"}
        assert await tree.states() == left
        assert ref.is_alive() == again
        assert len(script.begun) == 1 + again
        assert len(tree.events.of(ActorFailed, "/top/a")) == (end == "crash")


@pytest.mark.parametrize("kind", SCRIPTED)
async def test_one_crash_more_than_the_intensity_is_the_end(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a", kind)], intensity=3, period=5.0) as tree:
        for _ in range(3):
            await tree.end_of("a", crash)
            assert await tree.advance(1.0) == {"a": "running"}
        crash(tree.ref("a"))

        await ended(tree.top)
        assert len(script.begun) == 4


def test_a_child_that_outlasts_its_time_is_killed_and_reported() -> None:
    class Stubborn(Actor):
        async def on_stop(self) -> None:
            await deaf(self)

    loop = QuietLoop()

    async def play() -> None:
        async with planted([ChildSpec("a", Stubborn, shutdown=2.0)]) as tree:
            asked = tree.top.ask(TerminateChild("a"), block=False)
            await loop.quiet(tree.system)
            assert not asked.is_done()
            tree.clock.advance(2.0)
            await within(asked)

            assert await tree.states() == {"a": "down"}
            [report] = tree.events.of(ShutdownFailed)
            assert (report.path, report.reason.kind) == ("/top/a", "killed")

    loop.run_and_close(play())


@each_kind
async def test_a_child_that_is_killed_at_once_is_as_expected(kind: Kind) -> None:
    script = Script()

    async with planted([child(script, "a", kind, shutdown="brutal_kill")]) as tree:
        await ask(tree, TerminateChild("a"))

        assert tree.events.of(IncarnationEnded, "/top/a")[0].reason.kind == "killed"
        assert not tree.events.of(ShutdownFailed)


async def test_a_temporary_child_never_has_two_incarnations() -> None:
    script = Script()
    group = [child(script, "a", restart="temporary"), child(script, "b")]
    sub = ChildSpec("sub", SupervisorSpec(group, strategy="one_for_all"))

    async with planted([sub]) as tree:
        first = tree.ref("sub/a")
        await tree.end_of("sub", lambda sub: sub.request_stop())

        assert [each.incarnation for each in tree.events.of(ActorStarted, "/top/sub/a")] == [1, 1]
        assert tree.ref("sub/a") != first
        assert not first.is_alive()


# -- the errors ------------------------------------------------------------------------------

ERRORS: list[DramaturgError] = [
    SpecError(problem="invalid_id", option="id", value="a/b", expected="a name"),
    AlreadyPresent(path="/top", child="a"),
    ChildRunning(path="/top", child="a"),
    ChildRestarting(path="/top", child="a"),
    ChildNotFound(path="/top", child="a"),
    PoolRefused(path="/top", child="a"),
    SpecRefused(path="/top", child="a", problem="bad_combination"),
    ChildStartFailed(path="/top", child="a", error=Crash("why")),
    ChildStartFailed(path="/top", child="a", error=None),
    FailedToStartChild(path="/top", child="a", error=Crash("why")),
    FailedToStartChild(path="/top", child="a", error=None),
    RestartLimitReached(path="/top", child="a", intensity=1, period=5.0),
    StartTimeout(path="/top/a", timeout=2.0),
]

SENDS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive_a_trip_elsewhere(error: DramaturgError, send: Callable[[Any], Any]) -> None:
    error.add_note("a note")

    back = send(error)

    assert type(back) is type(error)
    assert back is not error
    assert (str(back), back.args) == (str(error), error.args)
    assert repr(vars(back)) == repr(vars(error))


@pytest.mark.parametrize("send", ["copy", "deepcopy"])
async def test_an_error_with_a_ref_can_be_copied(send: str) -> None:
    async with planted() as tree:
        error = AlreadyStarted(path="/top", child="a", ref=tree.top)

        back = SENDS[send](error)

        assert back.ref is tree.top
        assert str(back) == str(error)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_name_path_and_child_in_their_sentence(error: Any) -> None:
    for name in ("path", "child"):
        assert str(getattr(error, name, "")) in str(error)


def test_each_refusal_has_otps_word_for_its_outcome() -> None:
    words = {cls: cls.outcome for cls in ChildRefused.__subclasses__()}

    assert words == {
        AlreadyStarted: "already_started",
        AlreadyPresent: "already_present",
        ChildRunning: "running",
        ChildRestarting: "restarting",
        ChildNotFound: "not_found",
        PoolRefused: "simple_one_for_one",
        SpecRefused: "bad_spec",
        ChildStartFailed: "start_failed",
    }


@pytest.mark.parametrize(
    ("cls", "base"),
    [
        (SpecError, OptionError),
        (SpecError, UsageError),
        (SpecError, ValueError),
        (ChildRefused, Refused),
        (FailedToStartChild, GoneError),
        (FailedToStartChild, LookupError),
        (StartTimeout, TimeoutError),
        (RestartLimitReached, DramaturgError),
    ],
)
def test_an_error_may_be_caught_as_what_callers_catch_already(
    cls: type[BaseException], base: type[BaseException]
) -> None:
    assert issubclass(cls, base)


def test_messages_are_values() -> None:
    assert TerminateChild("a") == TerminateChild("a")
    assert StartInstance(1, name="a", x=2) == StartInstance(1, name="a", x=2)
    assert StartInstance(1) != StartInstance(2)
    assert StartInstance().args == ()
