"""Read a file of purchases in the format of CDNOW_sample.txt; set malformed lines aside.

A line is legal when all of these hold; the first that does not is the reason given:

1. it is UTF-8, and not empty;
2. it has five columns, separated by blanks or tabs; blanks at either end do not count;
3. the id in the master file is five digits, the id in the sample four;
4. the date is eight digits, YYYYMMDD, and a day of the calendar;
5. the number of CDs is a whole number from 1 to 9999;
6. the value is dollars with exactly two decimals, from 0.00 (a CD given away is a purchase) to
   99999.99;
7. its two ids belong to each other: one id of the master file to one id of the sample. Where lines
   contradict each other, the pair that more lines have is the right one, and between equals the
   earlier one.

A digit is one of 0 to 9. A line that repeats another one is a purchase of its own. Lines end with
LF or CR LF; the last one need not, if it is complete: a value has two decimals, so a line that was
cut off anywhere breaks one of the rules.

The master file has no id of a sample: there a line has four columns, and the customer is who the
master file says.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

MOST_UNITS: Final = 9_999
MOST_DOLLARS: Final = Decimal("99999.99")

_BLANKS: Final = re.compile(r"[ \t]+")
_MASTER_ID: Final = re.compile(r"[0-9]{5}")
_SAMPLE_ID: Final = re.compile(r"[0-9]{4}")
_DATE: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_WHOLE: Final = re.compile(r"-?[0-9]+")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]*)?")
_DOLLARS: Final = re.compile(r"-?[0-9]+\.[0-9]{2}")
_SHOWN: Final = 24


class MalformedLineError(ValueError):
    """A line is not a purchase; the text says why. Who wrote the file must act."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One legal line of the file; `line` counts from 1."""

    line: int
    master_id: str
    customer: str
    day: date
    units: int
    dollars: Decimal

    @property
    def ids(self) -> tuple[str, str]:
        """The customer's id in the master file and in the sample."""
        return self.master_id, self.customer


@dataclass(frozen=True, slots=True)
class Rejected:
    """One line that was set aside: where, why, and every byte of it, its ending included."""

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What a file held: each line is in exactly one of the two, in the order of the file."""

    purchases: tuple[Purchase, ...]
    rejected: tuple[Rejected, ...]


def read_purchases(data: bytes, *, limit: int | None = None, is_master: bool = False) -> Batch:
    """Sort the first `limit` lines of a file's bytes, or all of them, into good and bad."""
    return parse_lines(split_lines(data)[:limit], parse_master_line if is_master else parse_line)


def split_lines(data: bytes) -> list[bytes]:
    """Split at LF alone, endings kept: in a damaged file any other byte may stand anywhere."""
    lines = data.split(b"\n")
    last = lines.pop()
    return [line + b"\n" for line in lines] + ([last] if last else [])


def parse_line(number: int, raw: bytes) -> Purchase:
    """Parse one line by rules 1 to 6.

    :raises MalformedLineError: the line breaks one of them.
    """
    master_id, customer, day, units, dollars = _columns(raw, 5)
    _check_master_id(master_id)
    if not _SAMPLE_ID.fullmatch(customer):
        raise MalformedLineError(f"the id in the sample must be four digits, not {_show(customer)}")
    return Purchase(number, master_id, customer, _day(day), _units(units), _dollars(dollars))


def parse_master_line(number: int, raw: bytes) -> Purchase:
    """Parse one line of the master file by rules 1 to 6, but for the id of the sample.

    :raises MalformedLineError: the line breaks one of them.
    """
    master_id, day, units, dollars = _columns(raw, 4)
    _check_master_id(master_id)
    return Purchase(number, master_id, master_id, _day(day), _units(units), _dollars(dollars))


def parse_lines(
    lines: Iterable[bytes], parse: Callable[[int, bytes], Purchase] = parse_line
) -> Batch:
    """Sort lines into good and bad; a bad one never changes what becomes of a good one."""
    purchases: list[Purchase] = []
    rejected: list[Rejected] = []
    raws: dict[int, bytes] = {}
    for number, raw in enumerate(lines, start=1):
        try:
            purchases.append(parse(number, raw))
            raws[number] = raw
        except MalformedLineError as error:
            rejected.append(Rejected(number, str(error), raw))
    owners = _Owners(purchases)
    strangers = [
        Rejected(p.line, owners.objection(p), raws[p.line])
        for p in purchases
        if not owners.agree(p)
    ]
    return Batch(
        purchases=tuple(p for p in purchases if owners.agree(p)),
        rejected=tuple(sorted(rejected + strangers, key=lambda reject: reject.line)),
    )


def _columns(raw: bytes, expected: int) -> list[str]:
    columns = _BLANKS.split(_text(raw))
    if len(columns) != expected:
        raise MalformedLineError(f"expected {expected} columns, found {len(columns)}")
    return columns


def _check_master_id(column: str) -> None:
    if not _MASTER_ID.fullmatch(column):
        raise MalformedLineError(
            f"the id in the master file must be five digits, not {_show(column)}"
        )


def _text(raw: bytes) -> str:
    try:
        text = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8").strip(" \t")
    except UnicodeDecodeError as error:
        raise MalformedLineError(
            f"not UTF-8: byte 0x{raw[error.start]:02x} in position {error.start + 1}"
        ) from None
    if not text:
        raise MalformedLineError("the line is empty")
    return text


def _day(column: str) -> date:
    parts = _DATE.fullmatch(column)
    if not parts:
        raise MalformedLineError(f"the date must be eight digits, not {_show(column)}")
    try:
        return date(*(int(part) for part in parts.groups()))
    except ValueError:
        raise MalformedLineError(f"there is no such date: {_show(column)}") from None


def _units(column: str) -> int:
    if not _WHOLE.fullmatch(column):
        raise MalformedLineError(f"the number of CDs must be a whole number, not {_show(column)}")
    # Decimal, for int() refuses some thousands of digits with an error of its own.
    if not 1 <= Decimal(column) <= MOST_UNITS:
        raise MalformedLineError(
            f"the number of CDs must be from 1 to {MOST_UNITS}, not {_show(column)}"
        )
    return int(column)


def _dollars(column: str) -> Decimal:
    if not _NUMBER.fullmatch(column):
        raise MalformedLineError(f"the value must be a number, not {_show(column)}")
    if not _DOLLARS.fullmatch(column):
        raise MalformedLineError(f"the value must have two decimals, not {_show(column)}")
    dollars = Decimal(column)
    if dollars.is_signed() or dollars > MOST_DOLLARS:
        raise MalformedLineError(
            f"the value must be from 0.00 to {MOST_DOLLARS}, not {_show(column)}"
        )
    return dollars


def _show(column: str) -> str:
    return ascii(column if len(column) <= _SHOWN else column[:_SHOWN] + "...")


class _Owners:
    """Which ids belong to each other (rule 7).

    A wrong id in the first line of a customer must not cost the customer's other lines, so this is
    decided when all lines are read: pairs of ids are taken in the order of how many lines have
    them, and a pair is right if neither of its ids was taken by one before.
    """

    def __init__(self, purchases: Iterable[Purchase]) -> None:
        self._sample_of: dict[str, str] = {}
        self._master_of: dict[str, str] = {}
        # most_common() keeps the order of first appearance among equals.
        for (master_id, customer), _ in Counter(p.ids for p in purchases).most_common():
            if master_id not in self._sample_of and customer not in self._master_of:
                self._sample_of[master_id] = customer
                self._master_of[customer] = master_id

    def agree(self, purchase: Purchase) -> bool:
        return self._sample_of.get(purchase.master_id) == purchase.customer

    def objection(self, purchase: Purchase) -> str:
        master_id, customer = purchase.ids
        if customer in self._master_of:
            right = self._master_of[customer]
            said = f"{customer} in the sample is {right} in the master file, not {master_id}"
        else:
            right = self._sample_of[master_id]
            said = f"{master_id} in the master file is {right} in the sample, not {customer}"
        return f"the ids do not match: {said}"
