"""Random protocols, most of which can be kept by their roles."""

from typing import Any

from hypothesis import assume, strategies as st

from dramaturg.protocols import (
    NOTHING,
    Order,
    Protocol,
    ProtocolError,
    Role,
    choice,
    each,
    one_of,
    parallel,
    repeat,
    sequence,
)

MESSAGES: list[type] = [type(f"M{number}", (), {}) for number in range(8)]
A, B, C = (Role(name, serves=True) for name in "abc")
MANY = Role("many", many=True, serves=True)
SINGLE = [A, B, C]


@st.composite
def sends(draw: Any, roles: list[Role]) -> Order:
    sender = draw(st.sampled_from(roles))
    receiver = draw(st.sampled_from([role for role in roles if role != sender]))
    message: type = draw(st.sampled_from(MESSAGES))
    sent: Order = sender >> receiver @ message
    return sent


@st.composite
def chosen(draw: Any, roles: list[Role], parts: st.SearchStrategy[Order]) -> Order:
    """A choice that one role announces."""
    decider = draw(st.sampled_from(roles))
    receiver = draw(st.sampled_from([role for role in roles if role != decider]))
    first, second = draw(st.permutations(MESSAGES))[:2]
    return choice(
        sequence(decider >> receiver @ first, draw(parts)),
        sequence(decider >> receiver @ second, draw(parts)),
    )


@st.composite
def repeated(draw: Any, roles: list[Role], parts: st.SearchStrategy[Order]) -> Order:
    """A repetition whose rounds and end one role announces."""
    decider = draw(st.sampled_from(roles))
    receiver = draw(st.sampled_from([role for role in roles if role != decider]))
    again, enough = draw(st.permutations(MESSAGES))[:2]
    most = draw(st.sampled_from([None, 2]))
    body = sequence(decider >> receiver @ again, draw(parts))
    return repeat(body, draw(st.integers(0, 1)), most).then(decider >> receiver @ enough)


@st.composite
def withs(draw: Any, parts: st.SearchStrategy[Order]) -> Order:
    """Something with the members of the role that has many."""
    there, back = MANY, draw(st.sampled_from(SINGLE))
    ask, answer = draw(st.permutations(MESSAGES))[:2]
    body = sequence(back >> there @ ask, there >> back @ answer)
    return each(MANY, body) if draw(st.booleans()) else one_of(MANY, body)


def orders() -> st.SearchStrategy[Order]:
    return st.recursive(
        sends(SINGLE) | st.just(NOTHING),
        lambda parts: st.one_of(
            st.builds(sequence, parts, parts),
            chosen(SINGLE, parts),
            repeated(SINGLE, parts),
            st.builds(parallel, parts, parts),
            withs(parts),
            st.builds(choice, parts, parts),
            st.builds(repeat, parts),
        ),
        max_leaves=5,
    )


@st.composite
def protocols(draw: Any) -> Protocol:
    order = draw(orders().filter(lambda order: order != NOTHING))
    used = {role for part in order.walk() for role in roles_of(part)}
    roles = tuple(role for role in (A, B, C, MANY) if role in used)
    try:
        return Protocol("random", roles=roles, order=order)
    except ProtocolError:
        assume(False)
        raise


def roles_of(part: Order) -> set[Role]:
    return {getattr(part, name) for name in ("sender", "receiver", "role") if hasattr(part, name)}
