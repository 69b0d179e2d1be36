"""A role's share as an automaton: deterministic, minimal, with numbers that stay."""

import pytest

from dramaturg.protocols import (
    Action,
    Party,
    Protocol,
    Role,
    TooLargeError,
    UnknownRoleError,
    _automaton,
    choice,
    sequence,
    within,
)
from tests.protocols.monitor_kit import (
    COORDINATOR,
    PARTICIPANT,
    TWO_PHASE_COMMIT,
    Abort,
    Commit,
    Prepare,
    Vote,
)

HUB = Party("coordinator")


def test_a_participant_votes_once_and_is_told_once() -> None:
    assert str(TWO_PHASE_COMMIT.project(PARTICIPANT)) == (
        "participant: 4 states\n"
        "  0\n"
        "    ?from coordinator Prepare -> 1\n"
        "  1\n"
        "    !to coordinator Vote -> 2\n"
        "  2\n"
        "    ?from coordinator Abort -> 3\n"
        "    ?from coordinator Commit -> 3\n"
        "  3 (may end)"
    )


@pytest.mark.parametrize(("members", "states"), [(1, 4), (2, 12), (3, 28)])
def test_a_coordinator_keeps_track_of_all_its_members(members: int, states: int) -> None:
    automaton = TWO_PHASE_COMMIT.project(COORDINATOR, members={"participant": members})
    assert len(automaton.states) == states


def test_an_automaton_is_stepped_and_accepts_whole_shares() -> None:
    automaton = TWO_PHASE_COMMIT.project("participant", member="7")
    prepared, voted, told = (
        Action("?", HUB, Prepare),
        Action("!", HUB, Vote),
        Action("?", HUB, Abort),
    )
    assert automaton.party == Party("participant", "7")
    assert automaton.accepts([prepared, voted, told])
    assert not automaton.accepts([prepared, voted])
    assert not automaton.accepts([voted])
    assert automaton.step(0, voted) is None
    assert automaton.actions(2) == (told, Action("?", HUB, Commit))
    assert automaton.is_final(3)
    assert automaton.is_over(3)
    assert set(automaton.alphabet) == {prepared, voted, told, Action("?", HUB, Commit)}


def test_branches_that_a_role_cannot_tell_apart_are_one_state() -> None:
    a, b, c = Role("a"), Role("b"), Role("c")
    order = choice(
        sequence(a >> b @ Commit, b >> c @ Prepare), sequence(a >> b @ Abort, b >> c @ Prepare)
    )
    protocol = Protocol("p", roles=(a, b, c), order=order)
    assert [len(protocol.project(each).states) for each in "abc"] == [2, 3, 2]


def test_a_deadline_is_a_step() -> None:
    a, b = Role("a"), Role("b", serves=True)
    body = sequence(a >> b @ Prepare, b >> a @ Vote)
    protocol = Protocol(
        "p", roles=(a, b), order=within(2.0, body, otherwise=a >> b @ Abort, clock=a)
    )
    waiting = protocol.project(a)
    late = Action("~", None, None, 2.0)
    assert waiting.accepts([Action("!", Party("b"), Prepare), late, Action("!", Party("b"), Abort)])
    assert not waiting.accepts([late])
    asked = protocol.project(b)
    assert late not in asked.alphabet
    assert asked.accepts([Action("?", Party("a"), Prepare), Action("?", Party("a"), Abort)])


def test_equal_protocols_have_equal_automata() -> None:
    again = Protocol("other", roles=TWO_PHASE_COMMIT.roles, order=TWO_PHASE_COMMIT.order)
    for role in again.roles:
        assert again.project(role) == TWO_PHASE_COMMIT.project(role)


def test_what_cannot_be_projected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_automaton, "LIMIT", 20)
    with pytest.raises(UnknownRoleError):
        TWO_PHASE_COMMIT.project("bystander")
    with pytest.raises(TooLargeError):
        TWO_PHASE_COMMIT.project(COORDINATOR, members={"participant": 3})
