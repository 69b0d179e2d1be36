"""What a publication costs does not depend on those who are not interested."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.protocols import Interest
from dramaturg.protocols._topic_index import TopicIndex
from tests.protocols.test_topic_pattern import subscriber
from tests.protocols.topic_kit import Order, Paid, Placed


def lines_run(function: Callable[[], object]) -> int:
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        # Not what a collection of garbage runs in between.
        count += event == "line" and "_topic" in frame.f_code.co_filename
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def of_other_types(number: int) -> Interest:
    return Interest((type(f"Other{number}", (), {}),))


def of_other_names(number: int) -> Interest:
    return Interest((object,), f"stock.{number}.#")


def of_other_types_under_the_same_name(number: int) -> Interest:
    return Interest((type(f"Other{number}", (), {}),), "orders.#")


def of_other_names_below_the_same_word(number: int) -> Interest:
    return Interest((Placed,), f"orders.{number}")


OTHERS = [
    of_other_types,
    of_other_names,
    of_other_types_under_the_same_name,
    of_other_names_below_the_same_word,
]


@pytest.mark.parametrize("others", OTHERS)
def test_finding_who_is_interested_asks_nobody_else(others: Callable[[int], Interest]) -> None:
    def cost(count: int) -> int:
        index = TopicIndex()
        index.add(subscriber(0), Interest((Order,), "orders.*.placed"))
        for number in range(1, count):
            index.add(subscriber(number), others(number))
        return lines_run(lambda: index.route(Placed, "orders.eu.placed"))

    assert cost(10) == cost(1_000)


def test_finding_it_again_walks_nothing() -> None:
    index = TopicIndex()
    index.add(subscriber(0), Interest((Order,), "#.paid"))
    first = lines_run(lambda: index.route(Paid, "a.b.c.d.paid"))
    again = lines_run(lambda: index.route(Paid, "a.b.c.d.paid"))

    assert again <= 4 < first


def test_a_name_of_many_words_is_no_trouble_for_a_pattern_of_many_hashes() -> None:
    index = TopicIndex()
    index.add(subscriber(0), Interest((object,), ".".join(["#", "a"] * 12) + ".b"))
    name = ".".join("a" * 200)

    assert lines_run(lambda: index.route(Order, name)) < 200 * 24 * 30
