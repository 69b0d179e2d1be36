"""A supervisor below an actor that is none."""

from typing import Any

import pytest

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorStarted,
    Directive,
    Failure,
    Props,
    Terminated,
    ThreadActor,
    handler,
)
from dramaturg.supervision import ChildSpec, RestartLimitReached, Supervisor, SupervisorSpec
from tests.actors.kit import Crash, Do, Fail, within
from tests.supervision.fault_world import World, world
from tests.supervision.faults import LoopChild, Script, birth, child
from tests.supervision.kit import chain


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
