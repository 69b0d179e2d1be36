"""Declaring a protocol: values that can be composed, compared and printed; mistakes are named."""

import copy
import pickle
from typing import Any

import pytest

from dramaturg.protocols import (
    NOTHING,
    AmbiguousMessageError,
    Channels,
    ChoiceError,
    DuplicateRoleError,
    EmptyRepetitionError,
    EndUnseenError,
    Order,
    Protocol,
    ProtocolError,
    Role,
    SelfMessageError,
    UnenforceableOrderError,
    UnknownRoleError,
    UnreachableError,
    choice,
    each,
    one_of,
    parallel,
    repeat,
    sequence,
    within,
)


class Ask: ...


class Yes: ...


class No: ...


class Stop: ...


A, B, C = Role("a"), Role("b"), Role("c")
MANY = Role("many", many=True)
ASK, YES, NO, STOP = A >> B @ Ask, B >> A @ Yes, B >> A @ No, A >> B @ Stop


def declare(order: Order, *roles: Role) -> Protocol:
    used = roles or (A, B, C)
    named = [part for part in order.walk() if hasattr(part, "sender") or hasattr(part, "role")]
    seen: set[Any] = set()
    for part in named:
        seen |= {getattr(part, n) for n in ("sender", "receiver", "role") if hasattr(part, n)}
    return Protocol("p", roles=roles or tuple(r for r in used if r in seen), order=order)


# -- values ------------------------------------------------------------------------------------


def test_operators_and_functions_make_the_same_values() -> None:
    assert ASK.then(YES | NO) == sequence(ASK, choice(YES, NO))
    assert parallel(ASK, STOP) == (ASK & STOP)
    assert ASK.times(1, 3) == repeat(ASK, 1, 3)
    assert hash(ASK.then(YES)) == hash(sequence(ASK, YES))


def test_nesting_of_the_same_kind_makes_no_difference() -> None:
    assert sequence(ASK, sequence(YES, STOP)) == sequence(sequence(ASK, YES), STOP)
    assert choice(ASK, STOP, NOTHING) == (ASK | (STOP | NOTHING))
    assert sequence(NOTHING, ASK) == parallel(ASK) == choice(ASK) == ASK
    assert sequence() == parallel() == NOTHING


def test_an_order_says_what_it_is() -> None:
    order = sequence(
        ASK.times(1, 2),
        (YES | NO) & STOP,
        each(MANY, A >> MANY @ Ask),
        one_of(MANY, within(2.5, A >> MANY @ Stop, otherwise=NOTHING)),
    )
    assert str(order) == (
        "(a >> b @ Ask 1 to 2 times)"
        " then ((b >> a @ Yes or b >> a @ No) and a >> b @ Stop)"
        " then (for each many: a >> many @ Ask)"
        " then (with one many: (within 2.5 s: a >> many @ Stop, else nothing))"
    )
    assert str(ASK.times()) == "a >> b @ Ask any number of times"
    assert str(ASK.times(2, 2)) == "a >> b @ Ask 2 times"
    assert str(ASK.times(2)) == "a >> b @ Ask at least 2 times"


def test_a_protocol_is_a_value() -> None:
    one, other = declare(ASK.then(YES)), declare(ASK.then(YES))
    assert one == other
    assert hash(one) == hash(other)
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - own bytes
    assert str(one) == "p: a >> b @ Ask then b >> a @ Yes"
    assert one.messages == (Ask, Yes)
    assert one.role("a") is A


def test_channels_promise_what_is_declared_for_them() -> None:
    lossy = Channels(may_lose=True)
    protocol = Protocol("p", roles=(A, B), order=ASK.then(YES), exceptions=((B, A, lossy),))
    assert protocol.channel("b", "a") is lossy
    assert protocol.channel("a", "b") == Channels()
    with pytest.raises(UnknownRoleError):
        Protocol("p", roles=(A, B), order=ASK.then(YES), exceptions=((B, C, lossy),))


# -- mistakes ----------------------------------------------------------------------------------

W = Role("w", serves=True)

MISTAKES: list[tuple[str, type[ProtocolError], Order, tuple[Role, ...], dict[str, Any]]] = [
    ("unknown role", UnknownRoleError, ASK, (A,), {"role": "b", "known": ("a",)}),
    ("role twice", DuplicateRoleError, ASK, (A, B, A), {"role": "a"}),
    ("unused role", UnreachableError, ASK, (A, B, C), {"part": "role c"}),
    ("to oneself", SelfMessageError, A >> A @ Ask, (), {"role": "a"}),
    ("no rounds", UnreachableError, ASK.then(STOP.times(0, 0)), (), {"part": "a >> b @ Stop"}),
    ("branch twice", UnreachableError, choice(ASK, STOP, ASK), (), {"part": "a >> b @ Ask"}),
    ("nothing is late", UnreachableError, within(1, NOTHING, otherwise=ASK), (), {}),
    ("empty repetition", EmptyRepetitionError, (ASK | NOTHING).times(), (), {}),
    ("mixed choice", ChoiceError, ASK | YES, (), {}),
    ("choice by two", ChoiceError, (A >> B @ Ask) | (C >> W @ Ask), (A, B, C, W), {}),
    (
        "same first message, then another sends",
        ChoiceError,
        sequence(ASK, YES) | sequence(ASK, NO),
        (),
        {"roles": ("b",)},
    ),
    (
        "a role that is not told and has to act",
        ChoiceError,
        sequence(ASK, C >> W @ Yes) | sequence(STOP, C >> W @ No),
        (A, B, C, W),
        {},
    ),
    ("end of a repetition", EndUnseenError, ASK.times(), (), {"role": "b"}),
    (
        "end of a repetition that another one sees",
        EndUnseenError,
        repeat(sequence(ASK, B >> C @ Yes)).then(STOP),
        (),
        {"role": "c"},
    ),
    ("one branch without it", EndUnseenError, ASK.then(B >> C @ Yes) | STOP, (), {"role": "c"}),
    ("same message side by side", AmbiguousMessageError, ASK & ASK.then(STOP), (), {
        "sender": "a", "receiver": "b", "message": "Ask",
    }),
    ("same message for each", AmbiguousMessageError, each(MANY, ASK), (A, B, MANY), {}),
    ("each within each", DuplicateRoleError, each(MANY, each(MANY, A >> MANY @ Ask)), (A, MANY), {
        "role": "many",
    }),
    ("who is meant", ChoiceError, one_of(MANY, MANY >> W @ Ask), (MANY, W), {"roles": ("many",)}),
    (
        "each member chooses for all",
        ChoiceError,
        each(MANY, MANY >> W @ Yes) | each(MANY, MANY >> W @ No),
        (MANY, W),
        {},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "order", "roles", "fields"),
    [each[1:] for each in MISTAKES],
    ids=[each[0] for each in MISTAKES],
)
def test_a_mistake_is_named(
    error: type[ProtocolError], order: Order, roles: tuple[Role, ...], fields: dict[str, Any]
) -> None:
    with pytest.raises(error) as raised:
        declare(order, *roles)
    assert isinstance(raised.value, ValueError)
    assert type(raised.value) is error
    for name, value in fields.items():
        assert getattr(raised.value, name) == value
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - own bytes
    assert (str(again), vars(again)) == (str(raised.value), vars(raised.value))


def test_an_order_that_nobody_can_keep_comes_with_the_conversation_that_shows_it() -> None:
    """In the second round one who is told by two may hear of it before the end of the first."""
    a, b, c, d = (Role(name, serves=True) for name in "abcd")
    one = sequence(a >> b @ Ask, b >> c @ Yes)
    other = sequence(a >> d @ Ask, d >> c @ No)
    with pytest.raises(UnenforceableOrderError) as raised:
        declare(sequence(repeat(one | other), a >> b @ Stop), a, b, c, d)
    assert raised.value.event == "d >> c @ No"
    assert raised.value.trace == ("a >> b @ Ask", "a >> d @ Ask")


GOOD: list[Order] = [
    NOTHING | ASK,
    sequence(ASK, YES | NO),
    repeat(sequence(ASK, YES | NO)).then(STOP),
    sequence(ASK, YES) | sequence(STOP, NO),
    sequence(ASK, YES) & STOP,
    within(1.0, sequence(ASK, YES), otherwise=STOP),
    sequence(ASK, YES | sequence(NO, repeat(STOP, 1, 3).then(ASK))),
    sequence(ASK, B >> C @ Ask, C >> A @ Yes),
]


@pytest.mark.parametrize("order", GOOD, ids=map(str, GOOD))
def test_what_can_be_kept_can_be_declared(order: Order) -> None:
    if order == NOTHING | ASK:
        with pytest.raises(EndUnseenError):
            declare(order)
        order = order.then(STOP)
    assert declare(order).order == order


def test_values_that_cannot_be_are_refused() -> None:
    wrong: Any = "ask"
    for make in (
        lambda: Role("two words"),
        lambda: Role(wrong and ""),
        lambda: A >> B @ wrong,
        lambda: sequence(wrong),
        choice,
        lambda: repeat(ASK, 2, 1),
        lambda: repeat(wrong),
        lambda: within(0, ASK),
        lambda: within(float("inf"), ASK),
        lambda: each(A, ASK),
        lambda: Protocol("p", roles=(A, B), order=wrong),
        lambda: declare(ASK.then(YES)).members({"a": 2}),
    ):
        with pytest.raises(ProtocolError):
            make()


def test_a_role_that_serves_need_not_know_the_end() -> None:
    server = Role("server", serves=True)
    assert declare(repeat(A >> server @ Ask), A, server).roles == (A, server)
