"""Topic names, and patterns over them: the words of an AMQP topic exchange.

A name is words with dots between them: ``orders.eu.placed``. In a pattern the word ``*``
stands for exactly one word, and ``#`` for any number of words, none included.
"""

from __future__ import annotations

from dramaturg.actors import OptionError

__all__ = ["ANY_WORDS", "ONE_WORD", "check_name", "check_pattern", "words_of"]

ONE_WORD = "*"
ANY_WORDS = "#"


def check_name(name: object) -> None:
    """Check that it is a name; None stands for no name.

    :raises OptionError: if not.
    """
    if name is not None and not _are_words(name, wildcards=False):
        raise OptionError(
            option="name", value=name, expected="words with dots between them, without '*' and '#'"
        )


def check_pattern(pattern: object) -> None:
    """Check that it is a pattern; None stands for no pattern.

    :raises OptionError: if not.
    """
    if pattern is not None and not _are_words(pattern, wildcards=True):
        raise OptionError(
            option="pattern",
            value=pattern,
            expected="words with dots between them, of which '*' and '#' stand for others",
        )


def words_of(name: str | None) -> list[str]:
    """Take a name or a pattern apart; what has no name has no words."""
    return [] if name is None else name.split(".")


def _are_words(text: object, *, wildcards: bool) -> bool:
    if not isinstance(text, str):
        return False
    for word in text.split("."):
        if wildcards and word in (ONE_WORD, ANY_WORDS):
            continue
        # A star within a word would be taken for a wildcard by people, and by nobody else.
        if not word or word != word.strip() or ONE_WORD in word or ANY_WORDS in word:
            return False
    return True
