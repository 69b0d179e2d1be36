"""The messages that the kit sends to a single actor: a few of each type, the simple ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from dramaturg.actors import ActorRef
from dramaturg.protocols._borders import is_several, shown
from dramaturg.protocols.testing._borders import takes
from dramaturg.protocols.testing._errors import ScenarioError

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from dramaturg.protocols import Protocol

__all__ = ["Constant", "Making", "Messages", "NamedPeers", "Peers", "pools", "strategy_of"]

Peers: TypeAlias = Mapping[str, ActorRef[Any]]
"""The actors that the kit plays, by role, or by role and member: "participant-1"."""
Messages: TypeAlias = "Mapping[Any, Sequence[Any] | SearchStrategy[Any] | Callable[[Peers], Any]]"
"""For types of messages: the messages themselves, a strategy, or a function that makes one."""


class NamedPeers(dict[str, ActorRef[Any]]):
    """The others; whoever asks for one that there is not is told who there are."""

    def __missing__(self, name: str) -> ActorRef[Any]:
        raise ScenarioError(
            thing=f"peers[{name!r}]",
            problem="plays no part beside the actor",
            expected=f"one of {', '.join(self) or 'nobody at all'}",
        )


Making: TypeAlias = Callable[[Peers], Any]


def pools(
    protocol: Protocol, types: Iterable[type], given: Messages, *, values: int, seed: int
) -> dict[type, tuple[Making, ...]]:
    """Make up to so many messages of each type.

    :raises ScenarioError: for a type that the protocol does not have, or one without messages.
    """
    for each in given:
        if each not in protocol.messages:
            raise ScenarioError(
                thing=f"messages={{{getattr(each, '__qualname__', shown(each))}: ...}}",
                problem=f"is no message of {protocol.name}",
                expected=f"some of {', '.join(each.__qualname__ for each in protocol.messages)}",
            )
    return {each: _pool(each, given.get(each), values, seed) for each in types}


def _pool(message: type, given: Any, values: int, seed: int) -> tuple[Making, ...]:
    made: list[Any]
    strategy = strategy_of(message, given)
    if strategy is not None:
        made = _drawn(strategy, values, seed)
    elif callable(given) and not isinstance(given, type) and takes(given, 1):
        return (given,)
    elif is_several(given):
        made = list(given)[:values]
    else:
        raise _nothing_of(message, given)
    if not made or not all(isinstance(each, message) for each in made):
        raise _nothing_of(message, made)
    return tuple(Constant(each) for each in made)


@dataclass(frozen=True, slots=True)
class Constant:
    """Makes the same message whoever the others are."""

    message: Any

    def __call__(self, _: Peers) -> Any:
        return self.message


def _nothing_of(message: type, given: object) -> ScenarioError:
    return ScenarioError(
        thing=f"messages={{{message.__qualname__}: {given!r}}}",
        problem=f"is no {message.__qualname__}",
        expected="messages, a strategy, or a function of the other actors",
    )


def strategy_of(message: type, given: Any) -> Any:
    """Return what messages of a type are drawn with; None if they are not drawn."""
    if given is None:
        # It says which extra Hypothesis is in, where that is not there.
        from dramaturg.protocols.testing._strategies import messages_of  # noqa: PLC0415

        return cast("Any", messages_of(message))
    return given if hasattr(given, "example") else None


def _drawn(strategy: Any, values: int, seed: int) -> list[Any]:
    """Draw different messages; the first is the simplest of them."""
    from hypothesis import HealthCheck, Phase, given, seed as seeded, settings  # noqa: PLC0415

    found: dict[str, Any] = {}
    checks: Any = HealthCheck

    @seeded(seed)
    @settings(
        database=None,
        deadline=None,
        max_examples=values * 4,
        phases=(Phase.generate,),
        suppress_health_check=list(checks),
    )
    @given(strategy)
    def collect(drawn: Any) -> None:
        found.setdefault(repr(drawn), drawn)

    collect()
    simplest = min(found, key=lambda text: (len(text), text))
    chosen = dict.fromkeys([simplest, *found])
    return [found[text] for text in [*chosen][:values]]
