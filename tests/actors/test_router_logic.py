from collections import Counter
from random import Random
from typing import Any
from unittest.mock import sentinel

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import (
    Actor,
    ActorRef,
    ActorSystem,
    ConsistentHash,
    LeastLoaded,
    OptionError,
    RandomChoice,
    RoundRobin,
    RoutingLogic,
    RoutingState,
    ToAll,
)

Refs = tuple[ActorRef[Any], ...]


class Somebody(Actor):
    pass


async def some_refs(system: ActorSystem, count: int) -> Refs:
    return tuple(system.spawn(Somebody, name=f"actor-{number}") for number in range(count))


def choices(logic: RoutingLogic, refs: Refs, messages: list[Any], seed: int = 0) -> list[Any]:
    state = RoutingState(Random(seed))
    chosen: list[Any] = []
    for message in messages:
        chosen += logic.choose(refs, message, state)
        state.routed += 1
    return chosen


@given(routees=st.integers(1, 9), before=st.integers(0, 20), rounds=st.integers(1, 5))
def test_round_robin_gives_each_routee_as_many_wherever_it_begins(
    routees: int, before: int, rounds: int
) -> None:
    # Only their number matters to it.
    refs: Any = tuple(range(routees))
    state = RoutingState(Random(0))
    state.routed = before
    counts = Counter[int]()
    logic: Any = RoundRobin()

    for _ in range(routees * rounds):
        counts.update(logic.choose(refs, sentinel.message, state))
        state.routed += 1

    assert counts == dict.fromkeys(range(routees), rounds)


@given(routees=st.integers(1, 9), messages=st.integers(1, 50))
def test_round_robin_never_differs_by_more_than_one(routees: int, messages: int) -> None:
    refs: Any = tuple(range(routees))

    counts = Counter(choices(RoundRobin(), refs, [None] * messages))

    assert max(counts.values()) - min(counts[each] for each in refs) <= 1


def test_the_random_source_fixes_what_is_chosen_by_chance() -> None:
    refs: Any = tuple(range(5))

    first, again, other = (choices(RandomChoice(), refs, [None] * 50, seed) for seed in (1, 1, 2))

    assert first == again != other
    assert set(first) == {0, 1, 2, 3, 4}


def test_to_all_chooses_all() -> None:
    refs: Any = tuple(range(5))

    assert choices(ToAll(), refs, ["x"]) == [0, 1, 2, 3, 4]


async def test_the_least_loaded_has_the_fewest_waiting_messages() -> None:
    async with ActorSystem("test") as system:
        refs = await some_refs(system, 3)
        for ref, waiting in zip(refs, (2, 1, 3), strict=True):
            for _ in range(waiting):
                ref.tell("wait")

        assert choices(LeastLoaded(), refs, [None] * 4) == [refs[1]] * 4


async def test_equally_loaded_routees_take_turns() -> None:
    async with ActorSystem("test") as system:
        refs = await some_refs(system, 3)

        assert choices(LeastLoaded(), refs, [None] * 6) == [*refs, *refs]


async def test_a_consistent_hash_makes_its_ring_once_and_again_when_routees_change() -> None:
    logic = ConsistentHash(key=str)
    async with ActorSystem("test") as system:
        refs = await some_refs(system, 3)
        state = RoutingState(system.random)
        logic.choose(refs, "a", state)
        ring = state.memo
        logic.choose(refs, "b", state)
        assert state.memo is ring

        state.memo = None
        logic.choose(refs[:2], "a", state)

    assert repr(state) == "<RoutingState routed=0 memo=<Ring owners=2 points=256>>"


async def test_a_consistent_hash_chooses_by_the_key_alone() -> None:
    def key(message: tuple[str, int]) -> str:
        return message[0]

    async with ActorSystem("test") as system:
        refs = await some_refs(system, 4)
        messages = [(f"customer {number % 10}", number) for number in range(100)]

        chosen = choices(ConsistentHash(key), refs, messages)

    by_key = {(message[0], ref.name) for message, ref in zip(messages, chosen, strict=True)}
    assert len(by_key) == 10
    assert len({name for _, name in by_key}) > 1


@pytest.mark.parametrize("key", ["customer", None])
def test_a_key_that_cannot_be_called_is_an_error(key: Any) -> None:
    with pytest.raises(OptionError, match=r"^key="):
        ConsistentHash(key=key)


@pytest.mark.parametrize("count", [0, -1, 1.0, True])
def test_a_ring_without_points_is_an_error(count: Any) -> None:
    with pytest.raises(OptionError, match=r"^virtual_nodes="):
        ConsistentHash(key=str, virtual_nodes=count)


def test_logics_are_values() -> None:
    assert RoundRobin() == RoundRobin()
    assert len({RoundRobin(), RandomChoice(), LeastLoaded(), ToAll(), ConsistentHash(str)}) == 5
