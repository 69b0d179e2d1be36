import string
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from examples.storefront import plain
from examples.storefront.__main__ import SAMPLE
from examples.storefront.parsing import (
    MOST_DOLLARS,
    MOST_UNITS,
    MalformedLineError,
    Purchase,
    parse_line,
    parse_lines,
    read_purchases,
    split_lines,
)
from tests.examples.storefront_kit import MALFORMED

GOOD = b" 00004 0001 19970101  2   29.33\r\n"


def purchases() -> st.SearchStrategy[Purchase]:
    return st.builds(
        Purchase,
        line=st.just(1),
        master_id=st.text(string.digits, min_size=5, max_size=5),
        customer=st.text(string.digits, min_size=4, max_size=4),
        day=st.dates(),
        units=st.integers(1, MOST_UNITS),
        dollars=st.decimals(0, MOST_DOLLARS, places=2),
    )


def written(purchase: Purchase, ending: bytes = b"\r\n") -> bytes:
    text = (
        f" {purchase.master_id} {purchase.customer} {purchase.day.isoformat().replace('-', '')}"
        f" {purchase.units:2} {purchase.dollars:7.2f}"
    )
    return text.encode() + ending


@pytest.fixture(scope="module")
def sample() -> bytes:
    return SAMPLE.read_bytes()


def test_a_line_of_the_sample_is_understood() -> None:
    purchase = parse_line(7, GOOD)

    assert purchase == Purchase(7, "00004", "0001", date(1997, 1, 1), 2, Decimal("29.33"))


@given(purchase=purchases(), ending=st.sampled_from([b"\r\n", b"\n", b""]))
def test_what_is_written_is_read_back(purchase: Purchase, ending: bytes) -> None:
    assert parse_line(1, written(purchase, ending)) == purchase


def test_a_cd_given_away_is_a_purchase() -> None:
    purchase = parse_line(1, b" 01101 0087 19970105  1    0.00\r\n")

    assert purchase.dollars == 0


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_line_is_refused_with_its_reason(kind: str) -> None:
    raw, reason = MALFORMED[kind]

    with pytest.raises(MalformedLineError, match=reason):
        parse_line(1, raw)


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_line_is_set_aside_verbatim_and_its_neighbours_are_kept(kind: str) -> None:
    raw, _ = MALFORMED[kind]

    batch = parse_lines([GOOD, raw, GOOD])

    assert [purchase.line for purchase in batch.purchases] == [1, 3]
    assert [(reject.line, reject.raw) for reject in batch.rejected] == [(2, raw)]


@given(cut=st.integers(1, len(GOOD.rstrip()) - 1))
def test_a_last_line_cut_off_anywhere_is_malformed(cut: int) -> None:
    batch = parse_lines(split_lines(GOOD + GOOD[:cut]))

    assert [reject.line for reject in batch.rejected] == [2]


def test_a_complete_last_line_needs_no_ending() -> None:
    batch = parse_lines(split_lines(GOOD + GOOD.rstrip()))

    assert len(batch.purchases) == 2


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.just(GOOD.rstrip()), purchases().map(written)))
)
def test_any_bytes_are_split_into_lines_and_each_line_is_kept_once(pieces: list[bytes]) -> None:
    data = b"\n".join(pieces)

    lines = split_lines(data)
    batch = parse_lines(lines)

    assert b"".join(lines) == data
    numbers = [purchase.line for purchase in batch.purchases]
    numbers += [reject.line for reject in batch.rejected]
    assert sorted(numbers) == list(range(1, len(lines) + 1))
    assert all(lines[reject.line - 1] == reject.raw for reject in batch.rejected)


def test_a_line_that_repeats_another_is_a_purchase_of_its_own() -> None:
    assert len(parse_lines([GOOD, GOOD]).purchases) == 2


def test_only_the_line_with_a_wrong_master_id_is_set_aside_though_it_came_first() -> None:
    wrong = GOOD.replace(b"00004", b"00005")

    batch = parse_lines([wrong, GOOD, GOOD])

    assert [purchase.line for purchase in batch.purchases] == [2, 3]
    assert [(reject.line, reject.raw) for reject in batch.rejected] == [(1, wrong)]
    assert "0001 in the sample is 00004 in the master file, not 00005" in batch.rejected[0].reason


def test_a_wrong_sample_id_does_not_cost_its_owner_a_line() -> None:
    owner = b" 00021 0002 19970101  3   63.34\r\n"
    wrong = GOOD.replace(b"0001 ", b"0002 ")

    batch = parse_lines([wrong, GOOD, GOOD, owner])

    assert [purchase.line for purchase in batch.purchases] == [2, 3, 4]
    assert "not 00004" in batch.rejected[0].reason


def test_a_sample_id_that_nobody_has_is_named_in_the_reason() -> None:
    wrong = GOOD.replace(b"0001 ", b"9999 ")

    batch = parse_lines([GOOD, GOOD, wrong])

    assert "00004 in the master file is 0001 in the sample, not 9999" in batch.rejected[0].reason


def test_every_line_of_the_sample_is_legal(sample: bytes) -> None:
    batch = read_purchases(sample)

    assert len(batch.purchases) == 6919
    assert batch.rejected == ()


def test_the_limit_counts_lines(sample: bytes) -> None:
    batch = read_purchases(b"\n" + sample, limit=10)

    assert (len(batch.purchases), len(batch.rejected)) == (9, 1)


def test_the_plain_books_of_the_sample_are_those_of_its_readme(sample: bytes) -> None:
    books = plain.compute(sample)

    assert books.total == plain.Sum(6919, 16479, Decimal("244091.94"))
    assert len(books.by_customer) == 2357
    assert len(books.by_month) == 18


def test_the_plain_books_agree_with_what_is_parsed(sample: bytes) -> None:
    damaged = b"garbage\r\n" + sample
    batch = read_purchases(damaged, limit=500)

    books = plain.compute(damaged, without={1}, limit=500)

    assert books.total.orders == len(batch.purchases) == 499
    assert books.total.dollars == sum(purchase.dollars for purchase in batch.purchases)


def test_a_shelf_is_restocked_in_whole_lots_as_far_as_needed() -> None:
    books = plain.PlainBooks()
    books.add(1, "0001", "1997-01-01", 351, Decimal("351.00"))

    shelves = books.shelves()

    assert shelves["cd-budget"] == plain.Shelf(initial=250, restocked=200, sold=351, left=99)
    assert shelves["cd-free"] == plain.Shelf(initial=250, restocked=0, sold=0, left=250)
