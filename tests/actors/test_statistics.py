"""What a system counts."""

from dramaturg.actors import ActorSystem, SystemStatistics
from tests.actors.kit import Idler


async def test_the_statistics_count_actors_now_and_at_peak() -> None:
    async with ActorSystem() as system:
        first, _ = system.spawn(Idler), system.spawn(Idler)
        await first.stop(block=False)

        assert system.statistics() == SystemStatistics(
            actors=1, actors_at_peak=2, dead_letters=0, late_replies=0
        )


async def test_the_statistics_count_dead_letters_also_when_discarded() -> None:
    async with ActorSystem() as system:
        ref = system.spawn(Idler)
        await ref.stop(block=False)
        ref.tell("nobody hears this")
        system.dead_letters.discard()

        assert system.statistics().dead_letters == 1


async def test_no_actor_is_counted_after_the_shutdown() -> None:
    async with ActorSystem() as system:
        for _ in range(100):
            system.spawn(Idler)

    assert system.statistics().actors == 0
    assert system.statistics().actors_at_peak == 100
