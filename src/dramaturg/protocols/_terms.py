"""What is left of an order: terms, and what a message makes of them.

Theory of operation
===================

A *term* stands for a set of words, the ways in which a conversation, or one party's share of it,
may go on. A *letter* is one message, seen by everybody (``Event``) or by one party (``Action``):
any hashable value. ``derive(term, letter)``, in ``_derivatives``, is what is left after the letter
(Brzozowski's derivative); ``NEVER`` if it is not allowed. So a term is its own state: no automaton
has to be built to follow a conversation, however many members a role has.

*Overtaking.* In ``x then y`` a letter of y is usually allowed only if x may be over. ``over``
generalises that: it says what remains of x when a letter of y comes first. Three rules are in use:

* :func:`strict`: x has to be over.
* :func:`reordering`: those words of x remain that do not block the letter. This gives the closure
  of an order under swapping neighbours that are independent of each other, and it is exact.
* :func:`skipping`: what may have been lost is passed over.

Deadlines are nodes of their own (:class:`Timed`). They change nothing until the first letter of
their body; from then on whoever follows the term runs a clock for each, and calls :func:`expire`.
"""

# ruff: noqa: PLR0911 - a function over terms has a case for each of their eight kinds

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, assert_never

__all__ = [
    "EMPTY",
    "NEVER",
    "Alt",
    "Empty",
    "Letter",
    "Loop",
    "Never",
    "Over",
    "Par",
    "Seq",
    "Term",
    "Timed",
    "alt",
    "first",
    "letters",
    "loop",
    "nullable",
    "par",
    "prefixed",
    "rebuilt",
    "relabel",
    "seq",
    "with_body",
    "without_deadlines",
]


@dataclass(frozen=True, slots=True)
class Never:
    """No word at all: not allowed."""


@dataclass(frozen=True, slots=True)
class Empty:
    """The empty word only: over."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message."""

    value: Any
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("letter", self.value)))

    def __hash__(self) -> int:
        return self._hash


# Terms are deep and hashed all the time, so each compound keeps its hash.


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other; neither is over nor impossible."""

    head: Term
    rest: Term
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("seq", self.head, self.rest)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Alt:
    """One of at least two."""

    terms: frozenset[Term]


@dataclass(frozen=True, slots=True)
class Par:
    """All of at least two, interleaved."""

    terms: tuple[Term, ...]
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("par", self.terms)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Loop:
    """A body ``least`` to ``most`` times."""

    body: Term
    least: int
    most: int | None
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(("loop", self.body, self.least, self.most)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Timed:
    """A body with a deadline; ``key`` tells deadlines apart, ``clock`` is whether it runs here."""

    key: Hashable
    seconds: float
    body: Term
    otherwise: Term | None
    clock: bool
    started: bool = False
    lingers: bool = False
    """Whether others may go on with the alternative when the body is over for this party."""
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        mine = ("timed", self.key, self.body, self.otherwise, self.started)
        object.__setattr__(self, "_hash", hash(mine))

    def __hash__(self) -> int:
        return self._hash


Term: TypeAlias = Never | Empty | Letter | Seq | Alt | Par | Loop | Timed
Over: TypeAlias = Callable[[Term], Term]

NEVER = Never()
EMPTY = Empty()


# -- making terms, in a form in which equal things mostly look equal ---------------------


def seq(*terms: Term) -> Term:
    """One after the other."""
    made: Term = EMPTY
    for term in reversed(terms):
        made = prefixed(term, made)
    return made


def prefixed(head: Term, rest: Term) -> Term:
    if isinstance(head, Never) or isinstance(rest, Never):
        return NEVER
    if isinstance(head, Empty):
        return rest
    if isinstance(rest, Empty):
        return head
    if isinstance(head, Seq):
        return Seq(head.head, prefixed(head.rest, rest))
    return Seq(head, rest)


def alt(terms: Iterable[Term]) -> Term:
    """One of them."""
    found: set[Term] = set()
    for term in terms:
        if isinstance(term, Alt):
            found |= term.terms
        elif not isinstance(term, Never):
            found.add(term)
    if not found:
        return NEVER
    return next(iter(found)) if len(found) == 1 else Alt(frozenset(found))


def par(terms: Iterable[Term]) -> Term:
    """All of them, interleaved."""
    found: list[Term] = []
    for term in terms:
        if isinstance(term, Never):
            return NEVER
        if isinstance(term, Par):
            found += term.terms
        elif not isinstance(term, Empty):
            found.append(term)
    if not found:
        return EMPTY
    return found[0] if len(found) == 1 else Par(tuple(found))


def loop(body: Term, least: int, most: int | None) -> Term:
    """A body again and again."""
    if isinstance(body, Empty) or most == 0:
        return EMPTY
    if isinstance(body, Never):
        return NEVER if least else EMPTY
    return body if (least, most) == (1, 1) else Loop(body, least, most)


def with_body(term: Timed, body: Term, *, started: bool) -> Term:
    if isinstance(body, Never) or (isinstance(body, Empty) and not term.lingers):
        return body
    return replace(term, body=body, started=started)


def rebuilt(term: Seq | Alt | Par | Loop, again: Callable[[Term], Term]) -> Term:
    """Put what ``again`` makes of each part in its place."""
    match term:
        case Seq(head=head, rest=rest):
            return prefixed(again(head), again(rest))
        case Alt(terms=terms):
            return alt(again(each) for each in terms)
        case Par(terms=terms):
            return par(again(each) for each in terms)
        case Loop(body=body, least=least, most=most):
            return loop(again(body), least, most)
    assert_never(term)


# -- asking terms ------------------------------------------------------------------------


def nullable(term: Term) -> bool:
    """Tell whether it may be over."""
    match term:
        case Empty():
            return True
        case Never() | Letter():
            return False
        case Seq(head=head, rest=rest):
            return nullable(head) and nullable(rest)
        case Alt(terms=terms):
            return any(nullable(each) for each in terms)
        case Par(terms=terms):
            return all(nullable(each) for each in terms)
        case Loop(body=body, least=least):
            return least == 0 or nullable(body)
        case Timed(body=body):
            return nullable(body)
    assert_never(term)


def first(term: Term, *, breaking_in: Callable[[Any], bool] | None = None) -> set[Any]:
    """Return the letters that may be next.

    :param breaking_in: which letters of an alternative to a deadline may
        come while the body still runs; default none.
    """
    match term:
        case Empty() | Never():
            return set()
        case Letter(value=value):
            return {value}
        case Seq(head=head, rest=rest):
            found = first(head, breaking_in=breaking_in)
            return found | first(rest, breaking_in=breaking_in) if nullable(head) else found
        case Alt(terms=terms) | Par(terms=terms):
            return set[Any]().union(*(first(each, breaking_in=breaking_in) for each in terms))
        case Loop(body=body):
            return first(body, breaking_in=breaking_in)
        case Timed(body=body, otherwise=otherwise):
            found = first(body, breaking_in=breaking_in)
            if breaking_in is not None and otherwise is not None:
                found |= {
                    each for each in first(otherwise, breaking_in=breaking_in) if breaking_in(each)
                }
            return found
    assert_never(term)


def letters(term: Term) -> Iterator[Any]:
    """Yield all letters in it."""
    match term:
        case Empty() | Never():
            return
        case Letter(value=value):
            yield value
        case Seq(head=head, rest=rest):
            yield from letters(head)
            yield from letters(rest)
        case Alt(terms=terms) | Par(terms=terms):
            for each in terms:
                yield from letters(each)
        case Loop(body=body):
            yield from letters(body)
        case Timed(body=body, otherwise=otherwise):
            yield from letters(body)
            if otherwise is not None:
                yield from letters(otherwise)
        case _:
            assert_never(term)


def relabel(
    term: Term,
    letter: Callable[[Any], Term],
    runs: Callable[[Any], bool] = lambda _: True,
    breaking_in: Callable[[Any], bool] = lambda _: False,
) -> Term:
    """Replace each letter.

    :param runs: says of each deadline's key whether its clock runs here.
    :param breaking_in: as in :func:`first`.
    """

    def again(term: Term) -> Term:
        return relabel(term, letter, runs, breaking_in)

    match term:
        case Empty() | Never():
            return term
        case Letter(value=value):
            return letter(value)
        case Timed(body=body, otherwise=otherwise):
            inside = again(body)
            instead = None if otherwise is None else again(otherwise)
            if isinstance(inside, Empty):
                # Whoever has no share in the body may still be drawn into the alternative.
                return EMPTY if instead is None else alt((EMPTY, instead))
            lingers = instead is not None and any(map(breaking_in, first(instead)))
            return replace(
                term, body=inside, otherwise=instead, clock=runs(term.key), lingers=lingers
            )
        case _:
            return rebuilt(term, again)


def without_deadlines(term: Term) -> Term:
    """Take deadlines out, and what comes after they have passed."""
    match term:
        case Empty() | Never() | Letter():
            return term
        case Timed(body=body):
            return without_deadlines(body)
        case _:
            return rebuilt(term, without_deadlines)
