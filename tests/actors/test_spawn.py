"""Making actors: names, paths, recipes, and what is left when it fails."""

import asyncio
import threading
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
    DeadLetterReason,
    Directive,
    DuplicateNameError,
    HandlerDefinitionError,
    InvalidNameError,
    ManualClock,
    OptionError,
    Props,
    StartFailed,
    SystemStateError,
    SystemStopped,
    ThreadActor,
    handler,
)
from tests.actors.kit import (
    KINDS,
    AsyncPuppet,
    Crash,
    Do,
    Events,
    Kind,
    Latch,
    Note,
    Puppet,
    ThreadPuppet,
    deaf,
    ended,
    in_threads,
    nothing,
    reasons,
    settled,
    stop,
    within,
)

BAD_NAMES: list[Any] = [
    *("", "a/b", "/", ".", "..", "a b", " ", "a\tb", "a\nb", "a\xa0b", "\x00", "x" * 256),
    *(7, b"name", ("a",)),
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
async def test_a_name_that_no_path_can_hold_is_refused(name: Any) -> None:
    async with ActorSystem() as system:
        with pytest.raises(InvalidNameError) as caught:
            system.spawn(Puppet, name=name)

        assert caught.value.name == name
        assert system.actors == ()


@pytest.mark.parametrize("name", ["a", "...", "ünïcode", "a.b-c_d:1", "x" * 255, "…"])
async def test_a_printable_name_without_slash_or_blank_is_accepted(name: str) -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet, name=name)

        assert (ref.name, ref.path) == (name, f"/{name}")
        assert system.lookup(f"/{name}") is ref


async def test_a_living_siblings_name_is_refused_and_the_sibling_lives_on() -> None:
    async with ActorSystem() as system:
        elder = system.spawn(Puppet, name="it")

        with pytest.raises(DuplicateNameError) as caught:
            system.spawn(Puppet, name="it")

        assert caught.value.path == "/it"
        assert system.actors == (elder,)
        assert await elder.request(Do(lambda _: "alive")) == "alive"


async def test_the_name_of_a_stopped_actor_is_free_once_its_stop_is_done() -> None:
    async with ActorSystem() as system:
        elder = system.spawn(Puppet, name="it")
        await stop(elder)

        younger = system.spawn(Puppet, name="it")

        assert younger.path == elder.path
        assert younger != elder
        assert (elder.is_alive(), younger.is_alive()) == (False, True)


async def test_the_same_name_may_occur_in_different_places() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet, name="it")
        child = await parent.request(Do(lambda actor: actor.context.spawn(Puppet, name="it")))

        assert child.path == "/it/it"
        assert system.lookup("/it/it") is child


async def test_an_actor_without_a_name_is_called_after_its_class_and_a_number() -> None:
    async with ActorSystem() as system:
        names = [system.spawn(Puppet).name for _ in range(3)]

    assert names == ["Puppet-1", "Puppet-2", "Puppet-3"]


async def test_an_automatic_name_steps_aside_for_one_that_is_taken() -> None:
    async with ActorSystem() as system:
        system.spawn(Puppet, name="Puppet-1")

        assert system.spawn(Puppet).name == "Puppet-2"


async def test_lookup_finds_living_actors_only_and_nothing_by_half_a_path() -> None:
    async with ActorSystem() as system:
        parent = system.spawn(Puppet, name="a")
        child = await parent.request(Do(lambda actor: actor.context.spawn(Puppet, name="b")))

        assert system.lookup("/a/b") is child
        for path in ("/", "", "a", "a/b", "/b", "/a/", "/a/b/c", "//a", "/a//b"):
            assert system.lookup(path) is None

        await stop(parent)
        assert system.lookup("/a") is None
        assert system.lookup("/a/b") is None


async def test_the_eldest_comes_first_among_a_systems_actors_and_an_actors_children() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(Puppet, name=name) for name in "cab"]
        assert list(system.actors) == refs

        def breed(actor: Puppet) -> None:
            for name in "zxy":
                actor.context.spawn(Puppet, name=name)

        await refs[0].request(Do(breed))
        children = await refs[0].request(Do(lambda actor: actor.context.children))
        assert [child.name for child in children] == ["z", "x", "y"]


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
    ids=repr,
)
def test_props_refuse_options_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError) as caught:
        Props(Puppet).using(**options)

    assert caught.value.option in options


@pytest.mark.parametrize("actor", [object, "Puppet", Puppet(), None, len, pykka.ActorRef], ids=repr)
async def test_what_is_no_actor_class_is_refused(actor: Any) -> None:
    async with ActorSystem() as system:
        with pytest.raises(OptionError):
            system.spawn(actor)
        with pytest.raises(OptionError):
            Props(actor)

        assert system.actors == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_failing_init_raises_start_failed_with_its_cause(kind: Kind) -> None:
    class Broken(kind):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            raise Crash("no way")

    async with ActorSystem() as system:
        with pytest.raises(StartFailed) as caught:
            system.spawn(Broken, name="it")

        assert isinstance(caught.value.__cause__, Crash)
        assert (caught.value.path, caught.value.cause) == ("/it", "Crash: no way")


async def test_nothing_remains_of_an_actor_whose_init_failed_and_its_name_is_free() -> None:
    async with ActorSystem() as system:
        events = Events(system)

        with pytest.raises(StartFailed):
            system.spawn(Props(Puppet, *range(7)), name="it")  # pyright: ignore[reportArgumentType]

        assert system.actors == ()
        assert system.lookup("/it") is None
        assert events.all == []
        assert await system.spawn(Puppet, name="it").request(Do(lambda _: 1)) == 1


async def test_wrong_arguments_are_a_failure_to_start() -> None:
    async with ActorSystem() as system:
        with pytest.raises(StartFailed, match="TypeError"):
            system.spawn(Props(Puppet, nonsense=1))  # type: ignore[call-arg]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_what_is_no_exception_leaves_init_as_it_is_and_nothing_remains(
    error: BaseException,
) -> None:
    class Broken(Actor):
        def __init__(self) -> None:
            raise error

    async with ActorSystem() as system:
        with pytest.raises(type(error)) as caught:
            system.spawn(Broken, name="it")

        assert caught.value is error
        assert system.actors == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_children_of_a_failed_init_are_stopped_before_the_system_is(kind: Kind) -> None:
    children: list[Any] = []

    class Broken(Actor):
        def __init__(self) -> None:
            children.append(self.context.spawn(kind, name="child"))
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken, name="it")

        await ended(children[0])
        assert system.lookup("/it") is None


async def test_a_stubborn_child_of_a_failed_init_ends_with_the_system_at_the_latest() -> None:
    children: list[Any] = []

    class Broken(Actor):
        def __init__(self) -> None:
            child = self.context.spawn(AsyncPuppet, name="child")
            child.tell(Do(deaf))
            children.append(child)
            raise Crash

    async with ActorSystem(shutdown_timeout=0.01) as system:
        await settled(system.spawn(AsyncPuppet))
        with pytest.raises(StartFailed):
            system.spawn(Broken)

    assert not children[0].is_alive()


async def test_a_timer_of_a_failed_init_never_rings() -> None:
    clock = ManualClock()

    class Broken(Actor):
        def __init__(self) -> None:
            self.context.start_timer("tick", Note("tick"), every=1.0, fixed_rate=True)
            raise Crash

    async with ActorSystem(clock=clock) as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert clock.pending == 0


async def test_a_stop_asked_for_before_init_failed_is_done() -> None:
    futures: list[Any] = []

    class Broken(Actor):
        def __init__(self) -> None:
            futures.append(self.actor_ref.stop(block=False))
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert await within(futures[0])


async def test_messages_sent_to_itself_by_a_failing_init_are_dead_letters() -> None:
    class Broken(Actor):
        def __init__(self) -> None:
            self.actor_ref.tell(Note(1))
            raise Crash

    async with ActorSystem() as system:
        with pytest.raises(StartFailed):
            system.spawn(Broken)

        assert reasons(system) == [(Note(1), DeadLetterReason.STOPPED)]


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


async def test_an_async_method_in_a_thread_actor_is_refused_when_the_class_is_defined() -> None:
    with pytest.raises(HandlerDefinitionError) as caught:

        class Wrong(ThreadActor):  # pyright: ignore[reportUnusedClass]
            @handler
            async def do(self, message: Do) -> None:
                pass

    assert caught.value.method == "do"


async def test_an_actor_whose_thread_cannot_start_is_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async with ActorSystem() as system:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(RuntimeError, match="can't start"):
                system.spawn(ThreadPuppet, name="it")

        assert system.actors == ()
        assert await system.spawn(ThreadPuppet, name="it").request(Do(lambda _: 1)) == 1


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
