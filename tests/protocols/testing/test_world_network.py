"""The network of a world of plain actors: what is lost, doubled, held back or late."""

import pytest

from dramaturg.protocols.testing import (
    Faults,
    Network,
    World,
)
from tests.protocols.testing.worlds import (
    Book,
    Keeper,
    Ringing,
    Source,
    begun,
    book,
    do,
    names,
    two_sources,
)


def test_a_dropped_message_is_gone_and_a_duplicate_is_right_behind_its_original() -> None:
    world = begun(two_sources, faults=Faults(drops=1, duplicates=1))

    assert names(world.faults()) == [
        "drop a->c #0",
        "drop a->c #1",
        "drop b->c #0",
        "duplicate a->c #0",
        "duplicate a->c #1",
        "duplicate b->c #0",
    ]
    do(world, "duplicate a->c #0", "drop b->c #0")
    assert names(world.faults()) == []
    do(world, "deliver a->c #0", "deliver a->c #0'1", "deliver a->c #1")
    assert world.actors["c"].got == [1, 1, 2]
    assert names(world.enabled()) == []


def test_a_message_that_overtakes_others_costs_a_reorder() -> None:
    world = begun(two_sources, faults=Faults(reorders=1))

    assert names(world.faults()) == ["reorder a->c #1"]
    do(world, "reorder a->c #1", "deliver a->c #0")
    assert world.actors["c"].got == [2, 1]
    assert names(world.faults()) == []


def test_a_partition_holds_messages_back_until_it_heals() -> None:
    world = begun(two_sources, faults=Faults(partitions=1))

    assert names(world.faults()) == ["partition a|b,c", "partition a,b|c", "partition a,c|b"]
    do(world, "partition a|b,c")
    assert names(world.enabled()) == ["deliver b->c #0", "heal"]
    assert names(world.faults()) == []
    do(world, "heal")
    assert names(world.enabled()) == ["deliver a->c #0", "deliver b->c #0"]


def test_of_many_actors_one_is_parted_from_the_rest() -> None:
    def fill(world: World) -> None:
        for name in "abcde":
            world.add(name, Keeper())

    world = begun(fill, faults=Faults(partitions=1))

    assert names(world.faults())[:2] == ["partition a|b,c,d,e", "partition b|a,c,d,e"]
    assert len(world.faults()) == 5


def test_while_the_network_is_parted_timers_ring_when_nothing_can_be_delivered() -> None:
    def fill(world: World) -> None:
        world.add("a", Source("t", 1))
        world.add("t", Ringing(soon=2))

    world = begun(fill, faults=Faults(partitions=1, early_timers=1))

    assert "early t/soon" in names(world.faults())
    do(world, "partition a|t")
    assert names(world.enabled()) == ["heal", "timer t/soon"]
    assert names(world.faults()) == []
    do(world, "timer t/soon")
    assert (world.now, names(world.enabled())) == (2, ["heal"])
    do(world, "heal", "deliver a->t #0")
    assert world.actors["t"].got == ["soon", 1]


def test_seconds_in_which_the_network_is_parted_are_not_counted_against_a_promise() -> None:
    def fill(world: World) -> None:
        world.add("a", Source("t", 1))
        world.add("t", Ringing(soon=9, late=12))
        world.eventually(lambda view: 1 in view["t"].got, within=5, name="arrives")
        world.leads_to(
            lambda view: 1 in view["t"].got,
            lambda view: "late" in view["t"].got,
            within=2,
            name="rings",
        )

    world = begun(fill, faults=Faults(partitions=1))
    do(world, "partition a|t", "timer t/soon", "heal")
    assert world.execute(world.enabled()[0]) is None
    (late,) = world.enabled()
    broken = world.execute(late)

    assert world.now == 12
    assert broken is not None
    assert broken.name == "leads_to rings"


def test_timers_ring_while_the_receivers_of_all_messages_are_down() -> None:
    def fill(world: World) -> None:
        world.add("b", Book())
        world.add("t", Ringing(soon=2))
        world.send("user", "b", 1)

    world = begun(fill, faults=Faults(crashes={"b": 1}))
    do(world, "crash b")

    assert names(world.enabled()) == ["restart b", "timer t/soon"]


def test_a_delayed_message_waits_until_a_timer_has_rung() -> None:
    def fill(world: World) -> None:
        two_sources(world)
        world.add("t", Ringing(soon=2))

    world = begun(fill, faults=Faults(delays=1))

    assert names(world.faults()) == ["delay a->c #0", "delay b->c #0"]
    do(world, "delay a->c #0")
    # On a network that keeps the order, those behind it wait too.
    assert names(world.enabled()) == ["deliver b->c #0"]
    assert names(world.faults()) == []
    do(world, "deliver b->c #0")
    assert names(world.enabled()) == ["timer t/soon"]
    do(world, "timer t/soon")
    assert names(world.enabled()) == ["deliver a->c #0"]


def test_a_delayed_message_arrives_when_nothing_else_is_left_to_do() -> None:
    world = begun(two_sources, faults=Faults(delays=2), network=Network.UNORDERED)

    do(world, "delay a->c #0", "delay b->c #0")
    assert names(world.enabled()) == ["deliver a->c #1"]
    do(world, "deliver a->c #1")
    assert names(world.enabled()) == ["deliver a->c #0", "deliver b->c #0"]
    do(world, "deliver b->c #0", "deliver a->c #0")
    assert (world.actors["c"].got, names(world.enabled())) == ([2, 3, 1], [])


def test_a_slow_actor_takes_no_turn_until_the_timer_of_another_has_rung() -> None:
    def fill(world: World) -> None:
        world.add("b", Ringing(first=1))
        world.add("t", Ringing(then=2))
        world.send("user", "b", 1)
        world.send("user", "t", 1)

    world = begun(fill, faults=Faults(slow=1))

    assert names(world.faults()) == ["slow b", "slow t"]
    do(world, "slow b")
    assert names(world.faults()) == []
    assert names(world.enabled()) == ["deliver user->t #0"]
    do(world, "deliver user->t #0")
    assert names(world.enabled()) == ["timer t/then"]
    do(world, "timer t/then")
    assert (world.now, names(world.enabled())) == (2, ["deliver user->b #0"])


def test_a_slow_actor_goes_on_when_nothing_else_is_left_to_do() -> None:
    def fill(world: World) -> None:
        world.add("b", Ringing(only=1))
        world.send("user", "b", 1)

    world = begun(fill, faults=Faults(slow=2))
    do(world, "slow b")

    assert names(world.faults()) == []
    assert names(world.enabled()) == ["deliver user->b #0"]
    do(world, "deliver user->b #0")
    assert names(world.enabled()) == ["timer b/only"]
    do(world, "timer b/only")
    assert names(world.enabled()) == []


def test_who_comes_back_from_a_crash_is_slow_no_more() -> None:
    world = begun(book, faults=Faults(slow=1, crashes={"b": 1}))
    do(world, "slow b", "crash b", "restart b")

    assert names(world.enabled()) == ["deliver user->b #0", "deliver b->log #0"]


@pytest.mark.parametrize("sender", ["c", "user"])
def test_the_network_spares_what_comes_from_outside_or_from_oneself(sender: str) -> None:
    def fill(world: World) -> None:
        world.add("a", Keeper())
        world.add("c", Keeper())
        world.send(sender, "c", 1)
        world.send(sender, "c", 2)

    world = begun(fill, faults=Faults(drops=1, duplicates=1, reorders=1, delays=1, partitions=1))

    assert names(world.faults()) == ["partition a|c"]
    do(world, "partition a|c")
    assert names(world.enabled()) == [f"deliver {sender}->c #0", "heal"]
