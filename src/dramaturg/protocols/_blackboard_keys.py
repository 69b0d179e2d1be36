"""Keys of a blackboard, and patterns over them.

A key is words with slashes between them: ``customer/7/address``. In a pattern the word ``*``
stands for exactly one word, and ``**`` for any number of words, none included.
"""

from __future__ import annotations

from typing import Any

from dramaturg.actors import OptionError

__all__ = ["ALL_KEYS", "check_key", "check_pattern", "fits", "known_beginning"]

ONE_WORD = "*"
ANY_WORDS = "**"
ALL_KEYS = ANY_WORDS
LONGEST_KEY = 240
"""Characters; a key is also part of a tag in the journal."""


def check_key(key: Any) -> None:
    """Check that it is a key.

    :raises OptionError: if not.
    """
    if not _are_words(key) or ONE_WORD in key:
        raise OptionError(
            option="key",
            value=key,
            expected=f"words with '/' between them, without '*', of {LONGEST_KEY} characters"
            " at most",
        )


def check_pattern(pattern: Any) -> None:
    """Check that it is a key, or a pattern.

    :raises OptionError: if not.
    """
    whole = (ONE_WORD, ANY_WORDS)
    # A star within a word would be taken for a wildcard by people, and by nobody else.
    if not _are_words(pattern) or any(
        ONE_WORD in word and word not in whole for word in pattern.split("/")
    ):
        raise OptionError(
            option="pattern",
            value=pattern,
            expected="words with '/' between them, of which '*' and '**' stand for others",
        )


def fits(pattern: str, key: str) -> bool:
    """Tell whether a key is one of those that a pattern stands for."""
    if ONE_WORD not in pattern:
        return pattern == key
    wanted = pattern.split("/")
    # All ways at once: no key makes that slow, whatever the pattern.
    places = _with_none_taken({0}, wanted)
    for word in key.split("/"):
        reached: set[int] = set()
        for place in places:
            if place < len(wanted) and wanted[place] == ANY_WORDS:
                reached.add(place)
            elif place < len(wanted) and wanted[place] in (ONE_WORD, word):
                reached.add(place + 1)
        places = _with_none_taken(reached, wanted)
    return len(wanted) in places


def known_beginning(pattern: str) -> str:
    """Return what every key begins with for which a pattern stands."""
    return pattern.partition(ONE_WORD)[0].removesuffix("/")


def _with_none_taken(places: set[int], wanted: list[str]) -> set[int]:
    """Add the places that are reached if ``**`` stands for no word."""
    found = set(places)
    for place in places:
        after = place
        while after < len(wanted) and wanted[after] == ANY_WORDS:
            after += 1
            found.add(after)
    return found


def _are_words(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > LONGEST_KEY or not text.isprintable():
        return False
    return all(word and word == word.strip() for word in text.split("/"))
