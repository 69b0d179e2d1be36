"""Making actors: recipes, what `__init__` may do, from which thread, and until when."""

import asyncio
from typing import Any

import pykka
import pytest

from dramaturg.actors import (
    Actor,
    ActorEnded,
    ActorStarted,
    ActorStopped,
    ActorSystem,
    Bounded,
    Directive,
    DuplicateNameError,
    HandlerDefinitionError,
    OptionError,
    Props,
    SystemStateError,
    SystemStopped,
    ThreadActor,
    handler,
)
from tests.actors.kit import (
    KINDS,
    Do,
    Events,
    Kind,
    Latch,
    Note,
    Puppet,
    ended,
    in_threads,
    nothing,
    settled,
    stop,
    within,
)
from tests.ids import stable


async def test_context_names_actor_parent_and_system() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet, name="a")
        child = await parent.request(Do(lambda actor: actor.context.spawn(Puppet, name="b")))

        def look(actor: Puppet) -> tuple[Any, ...]:
            context = actor.context
            return context.ref, context.path, context.name, context.parent, context.system

        assert await child.request(Do(look)) == (child, "/a/b", "b", parent, system)
        assert (await parent.request(Do(look)))[3] is None


async def test_props_pass_arguments_to_the_actor() -> None:
    class Sum(Actor):
        def __init__(self, left: int, *, right: int) -> None:
            self.total = left + right

        @handler
        def do(self, message: Do) -> Any:
            return message.what(self)

    async with ActorSystem() as system:
        ref = system.spawn(Props(Sum, 1, right=2))

        assert await ref.request(Do(lambda actor: actor.total)) == 3
        assert ref.actor_class is Sum


async def test_using_copies_the_recipe_and_leaves_the_first_as_it_was() -> None:
    plain = Props(Puppet)

    one = plain.using(throughput=1)
    both = one.using(policy=Directive.RESTART)

    assert plain.options == {}
    assert one.options == {"throughput": 1}
    assert both.options == {"throughput": 1, "policy": Directive.RESTART}
    assert repr(Props(Puppet, [1])) == "Props(Puppet, [1])"


@pytest.mark.parametrize(
    "options",
    [
        {"throughput": 0},
        {"throughput": "many"},
        {"policy": "restart"},
        {"policy": 3},
        {"mailbox": 10},
        {"mailbox": Bounded},
    ],
    ids=stable,
)
def test_props_refuse_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        Props(Puppet).using(**options)

    assert caught.value.option in options


@pytest.mark.parametrize(
    "actor", [object, "Puppet", Puppet(), None, len, pykka.ActorRef], ids=stable
)
async def test_what_is_no_actor_class_is_refused(actor: Any) -> None:
    async with ActorSystem() as system:
        with pytest.raises(OptionError):
            system.spawn(actor)
        with pytest.raises(OptionError):
            Props(actor)

        assert system.actors == ()


async def test_an_async_method_in_a_thread_actor_is_refused_when_the_class_is_defined() -> None:
    with pytest.raises(HandlerDefinitionError) as caught:

        class Wrong(ThreadActor):  # pyright: ignore[reportUnusedClass]
            @handler
            async def do(self, message: Do) -> None:
                pass

    assert caught.value.method == "do"


@pytest.mark.parametrize("kind", KINDS)
async def test_an_actor_may_stop_itself_in_init(kind: Kind) -> None:
    class Brief(kind):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__(log)
            self.stop()

    log: list[str] = []
    async with ActorSystem() as system:
        ref = system.spawn(Brief)

        await ended(ref)
        assert "on_start" not in log


async def test_init_may_use_the_context() -> None:
    class Early(Puppet):
        def __init__(self) -> None:
            super().__init__()
            self.context.become(self.other)
            self.context.spawn(Puppet, name="child")

        def other(self, message: object) -> Any:
            return "other", message

    async with ActorSystem() as system:
        ref = system.spawn(Early, name="it")

        assert await ref.request(Do(nothing)) == ("other", Do(nothing))
        assert await ref.request("anything") == ("other", "anything")
        assert system.lookup("/it/child") is not None


@pytest.mark.parametrize("kind", KINDS)
async def test_threads_may_spawn_at_once_and_every_actor_works(kind: Kind) -> None:
    async with ActorSystem() as system:
        spawned = await in_threads(16, lambda: [system.spawn(kind) for _ in range(4)])

        refs = [ref for each in spawned for ref in each]
        assert len({ref.name for ref in refs}) == 64
        assert set(refs) == set(system.actors)
        assert all([await ref.request(Do(lambda _: True)) for ref in refs])


async def test_of_threads_that_spawn_one_name_one_wins() -> None:
    def spawn() -> bool:
        try:
            system.spawn(Puppet, name="it")
        except DuplicateNameError:
            return False
        return True

    async with ActorSystem() as system:
        won = await in_threads(16, spawn)

    assert won.count(True) == 1


async def test_spawning_in_a_stopping_parent_is_refused() -> None:
    refused: list[Exception] = []

    class Late(Puppet):
        def on_stop(self) -> None:
            try:
                self.context.spawn(Puppet)
            except ActorStopped as error:
                refused.append(error)

    async with ActorSystem() as system:
        await stop(system.spawn(Late, name="it"))

    assert [str(error) for error in refused] == ["/it has stopped"]
    assert not isinstance(refused[0], SystemStopped)


async def test_spawning_in_a_stopping_system_is_refused() -> None:
    refused: list[Exception] = []

    class Late(Puppet):
        def on_stop(self) -> None:
            try:
                self.context.system.spawn(Puppet)
            except SystemStopped as error:
                refused.append(error)

    async with ActorSystem() as system:
        system.spawn(Late)

    assert len(refused) == 1


async def test_spawning_in_a_stopped_system_is_refused() -> None:
    async with ActorSystem() as system:
        pass

    with pytest.raises(SystemStopped):
        system.spawn(Puppet)


def test_spawning_in_a_system_that_has_not_started_is_refused() -> None:
    with pytest.raises(SystemStateError, match="async with"):
        ActorSystem().spawn(Puppet)


async def test_two_systems_in_one_process_share_nothing() -> None:
    async with ActorSystem("one") as one, ActorSystem("two") as two:
        first, second = one.spawn(Puppet), two.spawn(Puppet)
        first.tell(Note)

        await settled(first)

        assert first.path == second.path
        assert first != second
        assert one.lookup("/Puppet-1") is first
        assert two.lookup("/Puppet-1") is second
        assert (len(one.dead_letters), len(two.dead_letters)) == (1, 0)


async def test_the_end_of_one_system_leaves_the_other_running() -> None:
    async with ActorSystem("one") as one:
        ref = one.spawn(Puppet)
        async with ActorSystem("two") as two:
            two.spawn(Puppet)

        assert await ref.request(Do(lambda _: "alive")) == "alive"


async def test_an_actor_found_while_its_init_runs_handles_messages_only_afterwards() -> None:
    running, go_on = Latch(), Latch()

    class Slow(Puppet):
        def __init__(self) -> None:
            super().__init__(["__init__"])
            running.open()
            go_on.wait()
            self.log.append("done")

    async with ActorSystem() as system:
        spawning = asyncio.create_task(asyncio.to_thread(system.spawn, Slow, name="it"))
        await running.reached()
        found = system.lookup("/it")
        assert found is not None
        reply = asyncio.create_task(found.request(Do(lambda actor: list(actor.log))))
        up = found.started()
        go_on.open()

        ref = await within(spawning)
        assert found is ref
        assert await within(reply) == ["__init__", "done", "on_start"]
        await within(up)


async def test_started_and_ended_are_reported_with_class_and_incarnation() -> None:
    async with ActorSystem() as system:
        events = Events(system)
        await stop(system.spawn(Puppet, name="it"))

    started, stopped = events.of(ActorStarted)[0], events.of(ActorEnded)[0]
    assert (started.path, started.actor_class, started.incarnation) == ("/it", "Puppet", 1)
    assert (stopped.path, stopped.reason, stopped.incarnation) == ("/it", "normal", 1)
