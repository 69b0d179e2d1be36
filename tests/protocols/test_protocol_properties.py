"""What holds for every protocol that can be declared."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, assume, given, settings, strategies as st

from dramaturg.protocols import (
    Conversation,
    Event,
    Observation,
    Outcome,
    Protocol,
    Violation,
)
from dramaturg.protocols._derivatives import derive
from dramaturg.protocols._enforce import Together, independent
from dramaturg.protocols._expand import Members, action_of
from dramaturg.protocols._terms import NEVER, Term, first, nullable
from dramaturg.protocols.testing._strategies import conversations
from tests.protocols.orders import protocols

MEMBERS = {"many": 2}

several = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def members_of(protocol: Protocol) -> Any:
    return MEMBERS if "many" in protocol.role_names else {}


@st.composite
def spoken(draw: Any) -> tuple[Protocol, tuple[Event, ...]]:
    protocol = draw(protocols())
    said = draw(conversations(protocol, members=members_of(protocol), max_size=10))
    return protocol, said


def both_sides(said: tuple[Event, ...]) -> list[Observation]:
    return [Observation(side, *event) for event in said for side in ("sent", "received")]


def judged(protocol: Protocol, seen: list[Observation]) -> list[Outcome | Violation]:
    """Let all monitors see it, and whether all is done."""
    talk = Conversation(protocol, members=members_of(protocol))
    found: list[Outcome | Violation] = [talk.observe(each) for each in seen]
    return [*found, *talk.finish()]


def is_noticed(protocol: Protocol, seen: list[Observation]) -> bool:
    """Tell whether somebody sees that it is not as declared.

    That a message has overtaken one of another sender is seen, and nobody's fault.
    """
    return any(each is not Outcome.EXPECTED for each in judged(protocol, seen))


def is_refused(protocol: Protocol, seen: list[Observation]) -> bool:
    return any(isinstance(each, Violation) for each in judged(protocol, seen))


@several
@given(spoken())
def test_every_legal_conversation_is_accepted_by_all_monitors(
    case: tuple[Protocol, tuple[Event, ...]],
) -> None:
    protocol, said = case
    assert set(judged(protocol, both_sides(said))) <= {Outcome.EXPECTED}


@several
@given(spoken())
def test_every_legal_conversation_is_accepted_by_all_automata(
    case: tuple[Protocol, tuple[Event, ...]],
) -> None:
    protocol, said = case
    members = members_of(protocol)
    for party in {party for event in said for party in event[:2]}:
        automaton = protocol.project(party.role, member=party.member, members=members)
        share = [action_of(event, party) for event in said]
        assert automaton.accepts([each for each in share if each is not None])


@several
@given(spoken(), st.data())
def test_a_message_that_a_reliable_channel_loses_is_missed(
    case: tuple[Protocol, tuple[Event, ...]], data: st.DataObject
) -> None:
    protocol, said = case
    assume(said)
    lost = data.draw(st.integers(0, len(said) - 1))
    seen = both_sides(said)
    del seen[2 * lost + 1]
    without = tuple(event for n, event in enumerate(said) if n != lost)
    receiver = said[lost].receiver
    # Whoever may as well never have been sent it cannot miss it.
    assume(not accepts(protocol, without, receiver))
    assert is_refused(protocol, seen)


def accepts(protocol: Protocol, said: tuple[Event, ...], party: Any) -> bool:
    members = members_of(protocol)
    automaton = protocol.project(party.role, member=party.member, members=members)
    share = [action_of(event, party) for event in said]
    return automaton.accepts([each for each in share if each is not None])


def is_legal(protocol: Protocol, said: tuple[Event, ...]) -> bool:
    """Tell whether it is legal up to the order of messages that share no party."""
    term = protocol.term(members_of(protocol))
    for event in said:
        term = derive(term, event, independent(event))
    return nullable(term)


@several
@given(spoken(), st.data())
def test_swapped_messages_are_refused_unless_the_order_allows_them(
    case: tuple[Protocol, tuple[Event, ...]], data: st.DataObject
) -> None:
    protocol, said = case
    assume(len(said) > 1)
    at = data.draw(st.integers(0, len(said) - 2))
    swapped = (*said[:at], said[at + 1], said[at], *said[at + 2 :])
    assert is_noticed(protocol, both_sides(swapped)) is not is_legal(protocol, swapped)
    if said[at].sender == said[at + 1].sender and not accepts(protocol, swapped, said[at].sender):
        assert is_refused(protocol, both_sides(swapped))


@several
@given(spoken(), st.data())
def test_an_inserted_message_is_refused_unless_the_order_allows_it(
    case: tuple[Protocol, tuple[Event, ...]], data: st.DataObject
) -> None:
    protocol, said = case
    send = data.draw(st.sampled_from(protocol.sends))
    extra = next(
        (e for e in said if (e.sender.role, e.message) == (send.sender.name, send.message)), None
    )
    if extra is None:
        return
    at = data.draw(st.integers(0, len(said)))
    inserted = (*said[:at], extra, *said[at:])
    assert is_noticed(protocol, both_sides(inserted)) is not is_legal(protocol, inserted)


@several
@given(protocols())
def test_the_shares_together_do_exactly_what_the_order_allows(protocol: Protocol) -> None:
    """All conversations of up to five messages, up to the order of those that share no party."""
    members: Members = protocol.members(members_of(protocol))
    whole = protocol.term(members_of(protocol))
    together = Together(protocol.roles, whole, members)
    level: set[tuple[tuple[Term, ...], Term]] = {(together.start, whole)}
    for _ in range(5):
        after: set[tuple[tuple[Term, ...], Term]] = set()
        for state, left in level:
            assert nullable(left) == (not together.waiting(state))
            possible = dict(together.events(state))
            for event, there in possible.items():
                rest = derive(left, event, independent(event))
                assert rest is not NEVER
                after.add((there, rest))
            assert first(left) <= set(possible)
        level = set(list(after)[:200])


@several
@given(spoken())
def test_messages_of_different_senders_may_overtake_each_other(
    case: tuple[Protocol, tuple[Event, ...]],
) -> None:
    """A receiver that takes two neighbours' messages in the other order is not to blame."""
    protocol, said = case
    for one, other in pairwise(said):
        if one.receiver == other.receiver and one.sender not in (other.sender, other.receiver):
            at = said.index(one)
            seen = both_sides(said)
            if Counter(said)[one] > 1 or Counter(said)[other] > 1:
                continue
            seen[2 * at : 2 * at + 4] = [
                Observation("sent", *one),
                Observation("sent", *other),
                Observation("received", *other),
                Observation("received", *one),
            ]
            assert not is_refused(protocol, seen)
