"""Strategies from a declaration keep the protocol, or break it, and shrink to what is simple."""

import sys
from importlib import import_module, reload
from typing import Annotated

import pytest
from hypothesis import find, given, settings, strategies as st
from pydantic import Field

from dramaturg.actors import Actor, ActorRef, Message, MissingExtraError
from dramaturg.protocols import Conversation, Event, Observation, Protocol, Role, sequence
from dramaturg.protocols.testing._strategies import (
    conversations,
    illegal_next,
    legal_next,
    messages_of,
)
from tests.protocols.monitor_kit import TWO_PHASE_COMMIT, Commit, Vote

calm = settings(max_examples=50, deadline=None, database=None)


class Item(Message):
    name: str
    price: Annotated[float, Field(gt=0, lt=100)]


class Order(Message):
    number: int = Field(ge=5)
    items: tuple[Item, ...]
    main: Item
    weight: float
    note: str = "none"
    tags: frozenset[str] = frozenset()


GIVEN = Item(name="given", price=1)


class To(Message):
    ref: ActorRef[Actor] | None
    other: Item


@calm
@given(messages_of(Order))
def test_messages_keep_the_limits_of_their_fields(message: Order) -> None:
    assert message.number >= 5
    assert 0 < message.main.price < 100
    assert all(0 < each.price < 100 for each in message.items)


def test_a_message_shrinks_to_its_defaults() -> None:
    found = find(messages_of(Order), lambda _: True, settings=calm)
    assert (found.number, found.items, found.note) == (5, (), "none")


@calm
@given(messages_of(To, given={ActorRef: st.nothing(), Item: st.just(GIVEN)}))
def test_what_cannot_be_made_up_is_given(message: To) -> None:
    assert message.other is GIVEN
    assert message.ref is None


@calm
@given(messages_of(int), messages_of(type(None)))
def test_other_types_are_made_too(number: int, nothing: None) -> None:
    assert isinstance(number, int)
    assert nothing is None


@calm
@given(st.data())
def test_next_steps_are_legal_or_not(data: st.DataObject) -> None:
    automaton = TWO_PHASE_COMMIT.project("coordinator", members={"participant": 2})
    state = data.draw(st.sampled_from(automaton.states))
    legal = set(automaton.actions(state))
    if legal:
        assert data.draw(legal_next(automaton, state)) in legal
    assert data.draw(illegal_next(automaton, state)) not in legal


def test_where_nothing_is_legal_nothing_is_drawn() -> None:
    automaton = TWO_PHASE_COMMIT.project("participant")
    [last] = automaton.finals
    assert legal_next(automaton, last).is_empty
    a, b = Role("a"), Role("b", serves=True)
    endless = Protocol("p", roles=(a, b), order=(a >> b @ Commit).times()).project(b)
    assert illegal_next(endless, 0).is_empty


@calm
@given(conversations(TWO_PHASE_COMMIT, members={"participant": 3}))
def test_a_conversation_is_whole(said: tuple[Event, ...]) -> None:
    assert len(said) == 9
    talk = Conversation(TWO_PHASE_COMMIT, members={"participant": 3})
    for event in said:
        talk.observe(Observation("sent", *event))
        talk.observe(Observation("received", *event))
    assert talk.is_over


def test_a_conversation_is_cut_short_by_the_shortest_way_to_the_end() -> None:
    a, b = Role("a"), Role("b")
    order = sequence((a >> b @ Vote).times(2), a >> b @ Commit)
    protocol = Protocol("p", roles=(a, b), order=order)
    longest = find(conversations(protocol, max_size=5), lambda said: len(said) > 5, settings=calm)
    assert len(longest) == 6


def test_conversations_shrink_to_the_fewest_messages_that_show_it() -> None:
    a, b = Role("a"), Role("b")
    order = sequence((a >> b @ Vote).times(), a >> b @ Commit)
    protocol = Protocol("p", roles=(a, b), order=order)

    def has_three_votes(said: tuple[Event, ...]) -> bool:
        return [each.message for each in said].count(Vote) >= 3

    found = find(
        conversations(protocol),
        has_three_votes,
        settings=settings(max_examples=2_000, deadline=None, database=None),
    )
    assert [each.message for each in found] == [Vote, Vote, Vote, Commit]


def test_without_hypothesis_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("dramaturg.protocols.testing._strategies")
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(MissingExtraError) as raised:
        reload(module)
    assert raised.value.extra == "testing"
    monkeypatch.undo()
    reload(module)
