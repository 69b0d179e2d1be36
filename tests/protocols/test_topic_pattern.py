"""Names and patterns: what they may look like, and which fit, against regular expressions."""

import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dramaturg.actors import Actor, OptionError, Props
from dramaturg.protocols import Interest, Publish, Subscribe
from dramaturg.protocols._topic_index import REMEMBERED, TopicIndex
from dramaturg.protocols._topic_subscriber import Subscriber
from tests.any_order import new_system
from tests.protocols.topic_kit import Order, Paid, Placed

WORDS = st.sampled_from(["a", "b", "c"])
NAMES = st.none() | st.lists(WORDS, min_size=1, max_size=5).map(".".join)
PATTERNS = st.lists(WORDS | st.sampled_from("*#"), min_size=1, max_size=5).map(".".join)
TYPES = st.sampled_from([object, Order, Placed, Paid, int])
INTERESTS = st.builds(
    Interest,
    st.lists(TYPES, min_size=1, max_size=2, unique=True).map(tuple),
    st.none() | PATTERNS,
    st.booleans(),
)


def subscriber(serial: int) -> Subscriber:
    nobody: Any = None
    return Subscriber(nobody, nobody, serial)


def fits(pattern: str | None, name: str | None) -> bool:
    """Tell the same by a regular expression over words that each end with a dot."""
    if pattern is None:
        return True
    parts = {"*": r"[^.]+\.", "#": r"([^.]+\.)*"}
    expression = "".join(parts.get(word, re.escape(f"{word}.")) for word in pattern.split("."))
    return re.fullmatch(expression, "" if name is None else f"{name}.") is not None


def meets(interest: Interest, cls: type, name: str | None) -> bool:
    return issubclass(cls, interest.types) and fits(interest.pattern, name)


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a..b", "a.*", "#", "a*b", " a", "a. b", 7])
def test_what_is_no_name_is_refused(name: Any) -> None:
    with pytest.raises(OptionError) as caught:
        Publish(Order(), name)

    assert (caught.value.option, caught.value.value) == ("name", name)


@pytest.mark.parametrize("pattern", ["", ".", "a.", "a..#", "a*", "#b", "**", "a. #", 7, b"a"])
async def test_what_is_no_pattern_is_refused(pattern: Any) -> None:
    async with new_system() as system:
        ref = system.spawn(Props(Actor))
        with pytest.raises(OptionError) as caught:
            Subscribe(ref, pattern=pattern)

    assert (caught.value.option, caught.value.value) == ("pattern", pattern)


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("orders.*", ["orders.eu"], ["orders", "orders.eu.paid", "stock.eu"]),
        ("orders.#", ["orders", "orders.eu", "orders.eu.paid"], ["stock", "a.orders"]),
        ("#.paid", ["paid", "orders.eu.paid"], ["paid.orders"]),
        ("*.*", ["a.b"], ["a", "a.b.c"]),
        ("#", ["a", "a.b.c", None], []),
        ("*", ["a"], [None, "a.b"]),
        ("a.#.b.#.c", ["a.b.c", "a.x.b.b.y.c"], ["a.c", "a.b.c.d"]),
    ],
)
def test_a_star_is_one_word_and_a_hash_any_number(
    pattern: str, fitting: list[str], others: list[str]
) -> None:
    index = TopicIndex()
    index.add(subscriber(1), Interest((object,), pattern))

    assert [name for name in [*fitting, *others] if index.route(Order, name)] == fitting


@given(st.lists(INTERESTS, max_size=12), st.lists(st.tuples(TYPES, NAMES), max_size=8), st.data())
def test_the_index_finds_whom_asking_everybody_would_find(
    interests: list[Interest], messages: list[tuple[type, str | None]], data: st.DataObject
) -> None:
    index = TopicIndex()
    everybody = [subscriber(number) for number in range(3)]
    noted: dict[tuple[Subscriber, Interest], None] = {}
    for interest in interests:
        who = data.draw(st.sampled_from(everybody), label="subscriber")
        index.add(who, interest)
        noted[who, interest] = None
    for each in [*noted][::2]:
        index.remove(*each)
        del noted[each]

    for cls, name in messages * 2:  # the second time they are remembered
        wanting = [
            (who, any(interest.with_name for interest in met))
            for who in everybody
            if (met := [i for w, i in noted if w is who and meets(i, cls, name)])
        ]
        assert index.route(cls, name) == tuple(wanting)


@given(st.lists(INTERESTS, max_size=8, unique=True))
def test_what_was_added_and_removed_leaves_nothing(interests: list[Interest]) -> None:
    index = TopicIndex()
    who = subscriber(1)
    for interest in interests:
        index.add(who, interest)
    for interest in interests:
        index.remove(who, interest)

    assert index._unnamed == {}
    assert index._root.words == {}
    assert index._root.shelf == {}


def test_no_more_names_are_remembered_than_the_limit() -> None:
    index = TopicIndex()
    for number in range(2 * REMEMBERED + 1):
        index.route(Order, f"orders.{number}")

    assert len(index._routes) <= REMEMBERED
