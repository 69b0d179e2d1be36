"""The classic models have as many states as Stateright finds in them."""

from collections.abc import Callable, Iterator

import pytest

from dramaturg.protocols.testing._explorer import explore_all
from dramaturg.protocols.testing._explorer_model import Model
from tests.protocols.testing.classics.abd import abd
from tests.protocols.testing.classics.paxos import ForgetfulServer, paxos
from tests.protocols.testing.classics.single_copy import single_copy
from tests.protocols.testing.classics.two_phase_commit import (
    HastyCoordinator,
    two_phase_commit,
)


@pytest.mark.parametrize(
    ("make", "states"),
    [
        pytest.param(lambda: two_phase_commit(3), 288, id="two-phase commit, 3 participants"),
        pytest.param(lambda: two_phase_commit(5), 8_832, id="two-phase commit, 5 participants"),
        pytest.param(single_copy, 93, id="single-copy register"),
        pytest.param(abd, 544, id="ABD register"),
        pytest.param(paxos, 16_668, id="Paxos"),
    ],
)
def test_a_classic_has_its_number_of_states(make: Callable[[], Model], states: int) -> None:
    result = explore_all(make())

    assert (result.verdict, result.complete, result.states) == ("pass", True, states)
    assert set(result.reached) == set(make().sometimes)


def test_histories_in_order_tell_more_states_apart_than_matter() -> None:
    assert explore_all(single_copy(ordered=True)).states == 99


def test_a_commit_without_all_the_votes_takes_five_events_to_go_wrong() -> None:
    result = explore_all(two_phase_commit(2, coordinator=HastyCoordinator))

    assert result.verdict == "fail"
    assert result.broken is not None
    assert result.broken.name == "consistent"
    assert len(result.schedule) == 5
    assert result.schedule[-1].startswith(("deliver coordinator->p", "timer p"))


def test_copies_that_know_nothing_of_each_other_are_no_register() -> None:
    result = explore_all(single_copy(2))

    assert result.schedule == (
        "deliver client0->server0 #0",
        "deliver server0->client0 #0",
        "deliver client0->server1 #0",
        "deliver server1->client0 #0",
    )


def test_a_leader_that_forgets_what_was_accepted_is_found_out() -> None:
    result = explore_all(paxos(ForgetfulServer))

    assert result.broken is not None
    assert result.broken.name == "linearizable"


State = tuple[str, tuple[tuple[str, bool, bool], ...]]
"""What the coordinator has decided; and of each participant its state, whether it has said that
it is prepared, and whether the coordinator has heard that."""


def next_states(state: State) -> Iterator[State]:
    decided, participants = state
    if decided == "open":
        yield "aborted", participants
        if all(heard for _, _, heard in participants):
            yield "committed", participants
    for n, (own, said, heard) in enumerate(participants):
        changed: list[tuple[str, bool, bool]] = []
        if own == "working":
            changed += [("prepared", True, heard), ("aborted", said, heard)]
        if said and decided == "open":
            changed.append((own, said, True))
        if decided != "open":
            changed.append((decided, said, heard))
        for each in changed:
            yield decided, (*participants[:n], each, *participants[n + 1 :])


def two_phase_states(number: int) -> set[State]:
    start: State = ("open", (("working", False, False),) * number)
    found: set[State] = {start}
    new: set[State] = {start}
    while new:
        new = {each for state in new for each in next_states(state)} - found
        found |= new
    return found


@pytest.mark.parametrize(("number", "states"), [(2, 34), (3, 80), (5, 314)])
def test_participants_that_are_alike_are_counted_once(number: int, states: int) -> None:
    unnamed = {(decided, tuple(sorted(each))) for decided, each in two_phase_states(number)}

    result = explore_all(two_phase_commit(number, symmetric=True))

    assert (result.verdict, result.states) == ("pass", len(unnamed))
    assert len(unnamed) == states
