"""Pictures of systems large, deep and in motion: they are whole, and disturb nobody."""

from dramaturg.actors import Actor, ActorSystem, ThreadActor
from dramaturg.actors._health import HealthNote, SystemHealth
from dramaturg.actors._health_recorder import HealthRecorder
from tests.actors.health_kit import note, picture
from tests.actors.kit import KINDS, AsyncPuppet, Do, Events, Idler, Puppet, settled, stop, within
from tests.actors.messaging_kit import in_threads, quick_switches


async def test_a_picture_of_a_thousand_actors_shows_all_of_them() -> None:
    async with ActorSystem() as system:
        pool = system.spawn(Puppet, name="pool")
        kinds = [Idler, AsyncPuppet]
        await within(
            pool.request(
                Do(lambda actor: [actor.context.spawn(kinds[i % 2]) for i in range(1000)] and None)
            )
        )
        health = picture(system)

    assert health.totals.actors == 1001
    assert len({actor.path for actor in health.tree.walk()}) == 1002


async def test_a_tree_may_be_ten_thousand_deep() -> None:
    async with ActorSystem() as system:
        cells = [system.root]
        for _ in range(10_000):
            cells.append(system.spawn_under(cells[-1], Idler, "d").cell)
        health = picture(system)
        for cell in reversed(cells[1:]):
            await stop(cell.ref)

    deepest = health.find("/d" * 10_000)
    assert deepest is not None
    assert deepest.path == "/d" * 10_000
    assert health.find("/d" * 10_001) is None
    assert health.totals.actors == 10_000


async def test_a_tree_may_be_wide() -> None:
    async with ActorSystem() as system:
        for _ in range(10_000):
            system.spawn(Idler)
        health = picture(system)

    assert len(health.tree.children) == 10_000


def test_pictures_are_whole_while_threads_spawn_stop_and_look() -> None:
    class Parent(Idler):
        def __init__(self) -> None:
            for _ in range(3):
                self.context.spawn(Idler)

        def _report_health(self) -> HealthNote:
            return note()

    class Blocking(ThreadActor):
        pass

    kinds: list[type[Actor]] = [Parent, AsyncPuppet, Idler, Blocking]

    with ActorSystem() as system:
        recorder = HealthRecorder(system)

        def work(number: int) -> None:
            for round_ in range(60):
                ref = system.spawn(kinds[(number + round_) % len(kinds)])
                ref.tell("anything")
                check(recorder.picture())
                ref.stop(block=round_ % 2 == 0)
                check(recorder.picture())

        with quick_switches():
            in_threads(8, work)

        for ref in system.actors:
            ref.stop()
        assert picture(system).tree.children == ()


def check(health: SystemHealth) -> None:
    actors = [*health.tree.walk()]
    assert health.status == "healthy"
    assert health.totals.actors == len(actors) - 1
    assert all(actor.state != "stopped" for actor in actors)
    assert len({actor.path for actor in actors}) == len(actors)


async def test_a_picture_can_be_taken_from_within_an_actor() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Puppet, name="it")

        health = await within(ref.request(Do(lambda actor: picture(actor.context.system))))

    assert health.find("/it").state == "running"


async def test_a_picture_changes_nothing() -> None:
    async with ActorSystem() as system:
        refs = [system.spawn(kind) for kind in KINDS]
        for ref in refs:
            await settled(ref)
        before, events = system.statistics(), Events(system)
        for _ in range(10):
            picture(system)
        logs = [await within(ref.request(Do(lambda actor: [*actor.log]))) for ref in refs]

        assert logs == [["on_start"]] * 3
        assert (system.statistics(), events.all) == (before, [])
