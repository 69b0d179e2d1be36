"""The simplest messages with which a failing conversation still fails."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from dramaturg.protocols.testing._replay import replay
from dramaturg.protocols.testing._single_actor_kernel import ActorKernel, Casting
from dramaturg.protocols.testing._single_actor_messages import strategy_of
from dramaturg.protocols.testing._single_actor_spelling import said_in

if TYPE_CHECKING:
    from dramaturg.protocols.testing._single_actor_messages import Making, Messages
    from dramaturg.protocols.testing._verdict import Failure, Verdict

__all__ = ["with_simple_messages"]

MOST_EXAMPLES = 300
"""So many messages are tried in the place of one."""


def with_simple_messages(
    verdict: Verdict, casting: Casting, given: Messages, *, seed: int
) -> Verdict:
    """Add to a failure the simplest messages with which its schedule fails in the same way.

    Its schedule keeps the messages that it has, since its token stands for those.
    """
    failure = verdict.failure
    if failure is None:
        return verdict
    found: list[str] = []
    for message, at in said_in(failure.schedule, casting):
        strategy = strategy_of(message, given.get(message))
        if strategy is None:
            continue
        simple = _simplest(casting, failure, message, at, strategy=strategy, seed=seed)
        # What was drawn needs no refs.
        if simple is not None and repr(simple[0]) != repr(casting.pools[message][at]({})):
            casting = _with(casting, message, at, simple[0])
            found.append(repr(simple[0]))
    if not found:
        return verdict
    also = f"the simplest: {', '.join(found)}"
    detail = f"{failure.detail}; {also}" if failure.detail else also
    return replace(verdict, failure=replace(failure, detail=detail))


def _simplest(
    casting: Casting, failure: Failure, message: type, at: int, *, strategy: Any, seed: int
) -> tuple[Any] | None:
    from hypothesis import HealthCheck, Phase, find, settings  # noqa: PLC0415 - only where it is drawn with
    from hypothesis.errors import NoSuchExample  # noqa: PLC0415 - as above

    def fails(value: Any) -> bool:
        other = _with(casting, message, at, value)
        broken = replay(lambda: ActorKernel(other), failure.schedule).run.broken
        return broken is not None and broken.name == failure.property

    checks: Any = HealthCheck
    limits = settings(
        database=None,
        deadline=None,
        max_examples=MOST_EXAMPLES,
        # Not `explain`: it takes a hundred tries more, and `find` says nothing of what it learns.
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(checks),
    )
    try:
        return (find(strategy, fails, settings=limits, random=Random(seed)),)
    except NoSuchExample:
        return None


def _with(casting: Casting, message: type, at: int, value: Any) -> Casting:
    pool: list[Making] = [*casting.pools[message]]
    pool[at] = lambda _: value
    return casting._replace(pools={**casting.pools, message: tuple(pool)})
