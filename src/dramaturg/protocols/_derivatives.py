"""What a message, or a deadline that passes, leaves of an order; see the top of ``_terms``."""

# ruff: noqa: PLR0911 - a function over terms has a case for each of their eight kinds

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, assert_never

from dramaturg.protocols._terms import (
    EMPTY,
    NEVER,
    Alt,
    Empty,
    Letter,
    Loop,
    Never,
    Over,
    Par,
    Seq,
    Term,
    Timed,
    alt,
    loop,
    nullable,
    par,
    prefixed,
    rebuilt,
    relabel,
    seq,
    with_body,
)

__all__ = ["derive", "expire", "reordering", "running", "skipping", "strict"]


# -- what is passed over -------------------------------------------------------------------


def strict(term: Term) -> Term:
    """Nothing may be passed over but what may be over."""
    return EMPTY if nullable(term) else NEVER


def reordering(blocks: Callable[[Any], bool]) -> Over:
    """Make the rule by which a letter overtakes all that it is independent of.

    :param blocks: which letters it cannot overtake.
    """

    def over(term: Term) -> Term:
        match term:
            case Empty() | Never():
                return term
            case Letter(value=value):
                return NEVER if blocks(value) else term
            case Timed(body=body):
                return over(body)
            case _:
                return rebuilt(term, over)

    return over


def skipping(lossy: Callable[[Any], bool]) -> Over:
    """Make the rule by which a letter may come where all before it has been lost.

    :param lossy: which letters may be lost.
    """

    def erased(value: Any) -> Term:
        return alt((EMPTY, Letter(value))) if lossy(value) else Letter(value)

    def over(term: Term) -> Term:
        return strict(relabel(term, erased))

    return over


# -- steps -----------------------------------------------------------------------------------


def derive(  # noqa: C901 - as above
    term: Term,
    letter: Any,
    over: Over = strict,
    *,
    breaking_in: Callable[[Any], bool] | None = None,
) -> Term:
    """Return what is left after the letter; ``NEVER`` if it is not allowed.

    :param over: what may be passed over; see the top of the module.
    :param breaking_in: as in :func:`first`.
    """

    def again(term: Term) -> Term:
        return derive(term, letter, over, breaking_in=breaking_in)

    match term:
        case Empty() | Never():
            return NEVER
        case Letter(value=value):
            return EMPTY if value == letter else NEVER
        case Seq(head=head, rest=rest):
            at_once = prefixed(again(head), rest)
            left = over(head)
            if isinstance(left, Never):
                return at_once
            return alt((at_once, prefixed(left, again(rest))))
        case Alt(terms=terms):
            return alt(again(each) for each in terms)
        case Par(terms=terms):
            return alt(
                par((*terms[:index], again(each), *terms[index + 1 :]))
                for index, each in enumerate(terms)
            )
        case Loop():
            return _derive_loop(term, again(term.body), over(term.body))
        case Timed(body=body, otherwise=otherwise):
            inside = with_body(term, again(body), started=True)
            if breaking_in is None or otherwise is None or not breaking_in(letter):
                return inside
            return alt((inside, again(otherwise)))
    assert_never(term)


def _derive_loop(term: Loop, inside: Term, left: Term) -> Term:
    if isinstance(inside, Never):
        return NEVER
    body, least, most = term.body, term.least, term.most
    if isinstance(left, Never | Empty):
        return prefixed(inside, loop(body, max(0, least - 1), None if most is None else most - 1))
    # Whole rounds may be overtaken: any number of them, and they count.
    limit = max(0, least - 1) if most is None else most
    ways = [
        seq(
            loop(left, rounds, rounds),
            inside,
            loop(body, max(0, least - 1 - rounds), None if most is None else most - 1 - rounds),
        )
        for rounds in range(limit)
    ]
    if most is None:
        ways.append(seq(loop(left, limit, None), inside, loop(body, 0, None)))
    return alt(ways)


# -- deadlines -----------------------------------------------------------------------------


def running(term: Term) -> Iterator[Timed]:
    """Yield the deadlines whose bodies have begun, whoever's clock counts."""
    match term:
        case Empty() | Never() | Letter() | Loop():
            return  # what is still within a loop has not begun
        case Seq(head=head, rest=rest):
            yield from running(head)
            yield from running(rest)
        case Alt(terms=terms) | Par(terms=terms):
            for each in terms:
                yield from running(each)
        case Timed(body=body, started=started):
            if started and not isinstance(body, Empty):
                yield term
            yield from running(body)
        case _:
            assert_never(term)


def expire(term: Term, key: Hashable) -> Term:
    """Return what is left once the deadline of this key has passed."""

    def again(term: Term) -> Term:
        return expire(term, key)

    match term:
        case Empty() | Never() | Letter() | Loop():
            return term
        case Timed(body=body, otherwise=otherwise, started=started):
            if started and term.key == key:
                return body if otherwise is None else otherwise
            return with_body(term, again(body), started=started)
        case _:
            return rebuilt(term, again)
