"""Hypothesis strategies from a protocol's declaration: messages, next steps, whole conversations.

How they shrink: a step is two choices. The first is whether to go on; 0 takes the shortest way to
the end, and draws no more. The second is one of all messages of the protocol, filtered by what is
legal now, so that its meaning does not change when another step goes. Where only one step is
possible nothing is drawn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from dramaturg.actors import MissingExtraError
from dramaturg.protocols._automaton import Automaton
from dramaturg.protocols._borders import MAPPING, at_least, instance, optional
from dramaturg.protocols._derivatives import derive
from dramaturg.protocols._expand import Action, Event
from dramaturg.protocols._protocol import MemberNames, Protocol
from dramaturg.protocols._terms import Term, first, letters, nullable, without_deadlines
from dramaturg.protocols.testing._borders import check_given, check_kinds

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise MissingExtraError(
        call="dramaturg.protocols.testing", package="hypothesis", extra="testing"
    ) from error

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["conversations", "illegal_next", "legal_next", "messages_of"]

M = TypeVar("M")

_AUTOMATON = instance(Automaton, "what Protocol.project returns")


def messages_of(
    message: type[M], *, given: Mapping[type, SearchStrategy[Any]] | None = None
) -> SearchStrategy[M]:
    """Make messages of a type: of a pydantic model by its fields and their limits.

    :param given: strategies for types of fields that cannot be made up, such as
        ``{ActorRef: st.sampled_from(refs)}``.
    :raises ScenarioError: if it is no type, or ``given`` no mapping.
    """
    check_kinds(
        message=(message, instance(type, "a type of messages")), given=(given, optional(MAPPING))
    )
    if not issubclass(message, BaseModel):
        return st.from_type(message)
    fields: dict[str, SearchStrategy[Any]] = {}
    for name, field in message.model_fields.items():
        made = _values(field.annotation, tuple(field.metadata), given or {})
        key = field.alias or name
        fields[key] = made if field.is_required() else _by_default_or(field, made)
    return st.builds(message, **fields)


def _by_default_or(field: Any, made: SearchStrategy[Any]) -> SearchStrategy[Any]:
    # The default is what a failing example is to be shrunk to.
    return st.builds(lambda: field.get_default(call_default_factory=True)) | made


def _values(
    annotation: Any, metadata: tuple[Any, ...], given: Mapping[type, SearchStrategy[Any]]
) -> SearchStrategy[Any]:
    made_of: Any = Annotated[annotation, *metadata] if metadata else annotation
    origin = get_origin(annotation) or annotation
    if origin in given:
        return given[origin]
    if origin in (Union, UnionType) and not metadata:
        return st.one_of(*(_values(each, (), given) for each in get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return messages_of(annotation, given=given)
    if annotation is float and not metadata:
        return st.floats(allow_nan=False, allow_infinity=False)
    return st.from_type(made_of)


def legal_next(
    automaton: Automaton, state: int, *, timeouts: bool = False
) -> SearchStrategy[Action]:
    """Choose what a party may do next; nothing to choose from where it is over.

    :param timeouts: whether deadlines may pass.
    :raises ScenarioError: if it is no automaton.
    :raises OptionError: for what is none of its states.
    """
    check_kinds(automaton=(automaton, _AUTOMATON))
    legal = [each for each in automaton.actions(state) if timeouts or each.message is not None]
    if not legal:
        return st.nothing()
    return st.sampled_from(_messages(automaton, timeouts=timeouts)).filter(set(legal).__contains__)


def illegal_next(automaton: Automaton, state: int) -> SearchStrategy[Action]:
    """Choose one of the party's messages that it may not send, or should not receive, now.

    :raises ScenarioError: if it is no automaton.
    :raises OptionError: for what is none of its states.
    """
    check_kinds(automaton=(automaton, _AUTOMATON))
    legal = set(automaton.actions(state))
    messages = _messages(automaton)
    if legal.issuperset(messages):
        return st.nothing()
    return st.sampled_from(messages).filter(lambda each: each not in legal)


def _messages(automaton: Automaton, *, timeouts: bool = False) -> list[Action]:
    return [each for each in automaton.alphabet if timeouts or each.message is not None]


def conversations(
    protocol: Protocol, *, members: MemberNames | None = None, max_size: int = 40
) -> SearchStrategy[tuple[Event, ...]]:
    """Make whole legal conversations, in which no deadline passes.

    :param members: the members of roles that have many; see :meth:`Protocol.members`.
    :param max_size: from so many messages on, the shortest way to the end is taken.
    :raises ScenarioError: if it is no protocol, or no size.
    :raises ProtocolError: for members that cannot be.
    """
    check_given(protocol=protocol)
    check_kinds(max_size=(max_size, at_least(0)))
    term = without_deadlines(protocol.term(members))
    return _conversations(term, _universe(protocol, term), max_size)


def _universe(protocol: Protocol, term: Term) -> list[Event]:
    """List all messages in the order of the declaration: what comes early is simple."""
    sends = [(each.sender.name, each.receiver.name, each.message) for each in protocol.sends]

    def place(event: Event) -> tuple[int, str]:
        return sends.index((event.sender.role, event.receiver.role, event.message)), str(event)

    return sorted(set(letters(term)), key=place)


@st.composite
def _conversations(
    draw: DrawFn, term: Term, universe: Sequence[Event], max_size: int
) -> tuple[Event, ...]:
    said: list[Event] = []
    while True:
        legal = first(term)
        if not legal:
            return tuple(said)
        forced = len(legal) == 1 and not nullable(term)
        if len(said) >= max_size or (not forced and draw(st.integers(0, 15)) == 0):
            return (*said, *_way_out(term, universe))
        if len(legal) == 1:
            [event] = legal
        else:
            event = draw(st.sampled_from(universe).filter(legal.__contains__))
        said.append(event)
        term = derive(term, event)


def _way_out(term: Term, universe: Sequence[Event]) -> tuple[Event, ...]:
    """Find the shortest way to an end."""
    queue: deque[tuple[Term, tuple[Event, ...]]] = deque([(term, ())])
    seen = {term}
    while True:
        here, way = queue.popleft()
        if nullable(here):
            return way
        legal = first(here)
        for event in universe:
            if event in legal:
                there = derive(here, event)
                if there not in seen:
                    seen.add(there)
                    queue.append((there, (*way, event)))
