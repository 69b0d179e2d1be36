"""What the tests of the shop share: what a run of it left, and lines that are no purchases."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MALFORMED = {
    "empty line": (b"\r\n", "the line is empty"),
    "blanks alone": (b" \t  \n", "the line is empty"),
    "a column missing": (b" 00004 0001 19970101  2\r\n", "expected 5 columns, found 4"),
    "one of the master file's columns": (
        b" 00004 19970101  2   29.33",
        "expected 5 columns, found 4",
    ),
    "trailing junk": (b" 00004 0001 19970101  2   29.33 oops\r\n", "expected 5 columns, found 6"),
    "junk glued to the end": (b" 00004 0001 19970101  2   29.33x\n", "the value must be a number"),
    "a second carriage return": (b" 00004 0001 19970101  2   29.33\r\r\n", "the value must be"),
    "no digits in the master id": (
        b" abcde 0001 19970101  2   29.33\n",
        "five digits, not 'abcde'",
    ),
    "master id too short": (b" 0004 0001 19970101  2   29.33\n", "five digits, not '0004'"),
    "sample id too long": (b" 00004 00001 19970101  2   29.33\n", "four digits, not '00001'"),
    "negative sample id": (b" 00004 -001 19970101  2   29.33\n", "four digits, not '-001'"),
    "digits of another script": (
        " 00004 0001 19970101  \u0662   29.33\n".encode(),
        r"a whole number, not '\\u0662'",
    ),
    "no digits in the date": (b" 00004 0001 1997JAN1  2   29.33\n", "eight digits, not '1997JAN1'"),
    "a date with dashes": (b" 00004 0001 1997-01-01  2   29.33\n", "eight digits"),
    "a day that is not": (b" 00004 0001 19970229  2   29.33\n", "no such date: '19970229'"),
    "a month that is not": (b" 00004 0001 19971301  2   29.33\n", "no such date"),
    "the year nought": (b" 00004 0001 00000101  2   29.33\n", "no such date"),
    "a number of CDs in words": (b" 00004 0001 19970101  two 29.33\n", "whole number, not 'two'"),
    "half a CD": (b" 00004 0001 19970101  1.5 29.33\n", "a whole number, not '1.5'"),
    "no CD": (b" 00004 0001 19970101  0   29.33\n", "from 1 to 9999, not '0'"),
    "negative number of CDs": (b" 00004 0001 19970101  -2  29.33\n", "from 1 to 9999, not '-2'"),
    "too many CDs": (b" 00004 0001 19970101  10000 29.33\n", "from 1 to 9999"),
    "a number that int() refuses": (
        b" 00004 0001 19970101  " + b"9" * 5_000 + b" 29.33\n",
        r"from 1 to 9999, not '9{24}\.\.\.'",
    ),
    "a value in words": (b" 00004 0001 19970101  2   free\n", "must be a number, not 'free'"),
    "not a number": (b" 00004 0001 19970101  2   NaN\n", "must be a number, not 'NaN'"),
    "an exponent": (b" 00004 0001 19970101  2   1e3\n", "must be a number, not '1e3'"),
    "a decimal comma": (b" 00004 0001 19970101  2   29,33\n", "must be a number, not '29,33'"),
    "negative value": (b" 00004 0001 19970101  2  -29.33\n", "from 0.00 to 99999.99, not '-29.33'"),
    "negative nothing": (b" 00004 0001 19970101  2  -0.00\n", "from 0.00 to 99999.99"),
    "too dear": (b" 00004 0001 19970101  2  100000.00\n", "from 0.00 to 99999.99"),
    "no cents": (b" 00004 0001 19970101  2   29\n", "two decimals, not '29'"),
    "a tenth of a cent": (b" 00004 0001 19970101  2   29.333\n", "two decimals, not '29.333'"),
    "bad UTF-8": (b" 00004 0001 19970101  2   29.\xff3\n", "not UTF-8: byte 0xff in position 30"),
    "binary garbage": (b"\x7fELF\x02\x01\x01\x00\x80\xfe\n", "not UTF-8"),
    "zero bytes": (b"\x00" * 31 + b"\n", "expected 5 columns, found 1"),
    "another blank than blank": (
        "\u00a000004 0001 19970101  2   29.33\n".encode(),
        r"five digits, not '\\xa000004'",
    ),
}
"""Lines by what is wrong with them, each with a pattern of what is said about it."""


class Ran(NamedTuple):
    code: int
    out: str
    err: str
    folder: Path

    def entries(self) -> list[dict[str, str]]:
        with (self.folder / "ledger.csv").open(newline="") as file:
            return list(csv.DictReader(file))


Run = Callable[..., Ran]


def counts(pattern: str, ran: Ran) -> tuple[int, ...]:
    """Return the numbers in what the run has printed, where the pattern has its groups."""
    found = re.search(pattern, ran.out)
    assert found is not None
    return tuple(int(number) for number in found.groups())
