"""What is no declaration, monitor or recorder is refused where it comes in, and named."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dramaturg.actors import Actor, ActorSystem, OptionError, Props, SystemStateError
from dramaturg.protocols import (
    RELIABLE,
    Channels,
    Choice,
    Conversation,
    Each,
    Monitor,
    OneOf,
    Parallel,
    Protocol,
    ProtocolError,
    Recorder,
    Recording,
    Repeat,
    Role,
    Send,
    Sequence,
    UnknownRoleError,
    Within,
    choice,
    each,
    one_of,
    page,
    parallel,
    repeat,
    request_with_retry,
    sequence,
    sequence_diagram,
    state_diagram,
    within,
)


class Ask: ...


class Yes: ...


class Player(Actor): ...


A: Any = Role("a")
B: Any = Role("b")
MANY: Any = Role("many", many=True)
ASK: Any = A >> B @ Ask
ASKED = Protocol("asked", roles=(A, B), order=ASK)
ALL_ASKED = Protocol("all_asked", roles=(A, MANY), order=each(MANY, A >> MANY @ Ask))
HUGE = 10**400
LEAF = "expected a part of an order, such as a >> b @ Ask"
MESSAGE = "expected role >> role @ class"

Make = Callable[[], object]


def protocol(name: Any = "p", **given: Any) -> Protocol:
    all_given: dict[str, Any] = {"roles": (A, B), "order": ASK, **given}
    return Protocol(name, **all_given)


def monitor(roles: Any = None, **options: Any) -> Monitor:
    return Monitor(ASKED, {"a": Player, "b": None} if roles is None else roles, **options)


def any_of(make: Any) -> Any:
    """Let types be no matter: it is what the tests are about."""
    return make


DECLARED: dict[str, tuple[Make, str, str]] = {
    # what is made: the part that is named, and what was expected
    "roles are texts": (lambda: protocol(roles=("a", "b")), "p, roles=('a', 'b')", "roles"),
    "roles is one role": (lambda: protocol(roles=A), "p, roles=Role(", "a tuple of roles"),
    "roles is a text": (lambda: protocol(roles="ab"), "p, roles='ab'", "a tuple of roles"),
    "roles is None": (lambda: protocol(roles=None), "p, roles=None", "a tuple of roles"),
    "roles holds a class": (lambda: protocol(roles=(Role, B)), "p, roles=(<class", "roles"),
    "name is a number": (lambda: protocol(5), "Protocol(5), name=5", "a text"),
    "name is None": (lambda: protocol(None), "Protocol(None), name=None", "a text"),
    "name is empty": (lambda: protocol(""), "Protocol(''), name=''", "not empty"),
    "order is None": (lambda: protocol(order=None), "p, order=None", "a >> b @ Ask"),
    "order is half a message": (lambda: protocol(order=B @ Ask), "p, order=", "a >> b @ Ask"),
    "order is a tuple": (lambda: protocol(order=(ASK,)), "p, order=(", "a >> b @ Ask"),
    "channels is a text": (lambda: protocol(channels="x"), "p, channels='x'", "Channels"),
    "channels is the class": (lambda: protocol(channels=Channels), "p, channels=", "Channels"),
    "exceptions is a number": (lambda: protocol(exceptions=5), "p, exceptions=5", "Channels"),
    "an exception is a pair": (lambda: protocol(exceptions=((A, B),)), "p, exceptions", "sender"),
    "exceptions are flat": (lambda: protocol(exceptions=(A, B, RELIABLE)), "p, exce", "sender"),
    "about is a number": (lambda: protocol(about=5), "p, about=5", "a text"),
    "role >> role": (lambda: A >> B, "a >> b", MESSAGE),
    "role >> class": (lambda: A >> Ask, "a >> Ask", MESSAGE),
    "role >> text": (lambda: A >> "b", "a >> 'b'", MESSAGE),
    "role >> None": (lambda: A >> None, "a >> None", MESSAGE),
    "class @ role": (lambda: A >> (any_of(Ask) @ B), "Ask @ b", MESSAGE),
    "role @ text": (lambda: A >> B @ "Ask", "b @ 'Ask'", MESSAGE),
    "role @ None": (lambda: B @ None, "b @ None", MESSAGE),
    "text >> message": (lambda: any_of("a") >> (B @ Ask), "'a' >> b", MESSAGE),
    "class >> role": (lambda: any_of(Ask) >> B, "Ask >> b", MESSAGE),
    "message >> role": (lambda: ASK >> B, "a >> b @ Ask >> b", "x.then(y)"),
    "message >> message": (lambda: ASK >> ASK, "a >> b @ Ask >> a >> b @ Ask", "x.then(y)"),
    "send of texts": (lambda: any_of(Send)("a", "b", Ask), "a >> b", MESSAGE),
    "message | number": (lambda: ASK | 5, "5", LEAF),
    "number | message": (lambda: 5 | ASK, "5", LEAF),
    "None & message": (lambda: None & ASK, "None", LEAF),
    "sequence of a list": (lambda: sequence(any_of([ASK])), "[Send(", LEAF),
    "choice of a lambda": (lambda: choice(any_of(lambda: ASK)), "<function", LEAF),
    "parallel of a text": (lambda: parallel(any_of("x")), "'x'", LEAF),
    "then a text": (lambda: ASK.then("x"), "'x'", LEAF),
    "a class by itself": (lambda: any_of(Sequence)(ASK), "Send(", LEAF),
    "choice by itself": (lambda: any_of(Choice)(5), "5", LEAF),
    "parallel by itself": (lambda: any_of(Parallel)((5,)), "5", LEAF),
    "repeat by itself": (lambda: any_of(Repeat)("x"), "'x'", LEAF),
    "within a text": (lambda: within(any_of("5"), ASK), "within('5', ", "more than 0 s"),
    "within None": (lambda: within(any_of(None), ASK), "within(None, ", "more than 0 s"),
    "within nan": (lambda: within(math.nan, ASK), "within(nan, ", "more than 0 s"),
    "within a bool": (lambda: within(True, ASK), "within(True, ", "more than 0 s"),
    "within an age": (lambda: within(HUGE, ASK), "within(1000", "more than 0 s"),
    "within turned around": (lambda: within(ASK, any_of(5)), "5", LEAF),
    "within, otherwise 5": (lambda: within(5, ASK, otherwise=any_of(5)), "5", LEAF),
    "within, clock a text": (lambda: within(5, ASK, clock=any_of("a")), "clock='a'", "a Role"),
    "within by itself": (lambda: any_of(Within)("5", ASK), "within('5', ", "more than 0 s"),
    "each of a text": (lambda: each(any_of("many"), ASK), "each('many', ...)", "a Role"),
    "each of one": (lambda: each(A, ASK), "each(a, ...)", "many=True"),
    "each of nothing": (lambda: each(MANY, any_of(5)), "5", LEAF),
    "each by itself": (lambda: any_of(Each)("a", ASK), "each('a', ...)", "a Role"),
    "one of a number": (lambda: one_of(any_of(5), ASK), "one_of(5, ...)", "a Role"),
    "one of one": (lambda: one_of(A, ASK), "one_of(a, ...)", "many=True"),
    "one of by itself": (lambda: any_of(OneOf)(MANY, 5), "5", LEAF),
    "repeat a text": (lambda: repeat(ASK, any_of("2")), "repeat(a >> b @ Ask, '2'", "at_most"),
    "repeat None": (lambda: repeat(ASK, any_of(None)), "repeat(a >> b @ Ask, None", "at_most"),
    "repeat nan": (lambda: repeat(ASK, any_of(math.nan)), "repeat(a >> b @ Ask, nan", "at_most"),
    "repeat a half": (lambda: repeat(ASK, any_of(1.5)), "repeat(a >> b @ Ask, 1.5", "at_most"),
    "repeat up to inf": (lambda: repeat(ASK, 0, any_of(math.inf)), "0, inf)", "at_most"),
    "a role with a blank": (lambda: Role("a b"), "Role('a b')", "an identifier"),
    "a role of a number": (lambda: Role(any_of(5)), "Role(5)", "an identifier"),
    "many is a number": (lambda: Role("a", many=any_of(2)), "Role('a'), many=2", "a bool"),
    "serves is None": (lambda: Role("a", serves=any_of(None)), "Role('a'), serves", "a bool"),
    "fifo is a text": (lambda: Channels(fifo=any_of("no")), "Channels, fifo='no'", "a bool"),
    "members is a text": (lambda: ALL_ASKED.members(any_of("many")), "members='many'", "a dict"),
    "members are a text": (lambda: ALL_ASKED.members({"many": "xy"}), "members='xy'", "names"),
    "members below 0": (lambda: ALL_ASKED.members({"many": -1}), "members=-1", "how many"),
    "members None": (lambda: ALL_ASKED.members({"many": any_of(None)}), "members=None", "names"),
    "members a half": (lambda: ALL_ASKED.members({"many": any_of(1.5)}), "members=1.5", "names"),
    "a member twice": (lambda: ALL_ASKED.members({"many": ["x", "x"]}), "('x', 'x')", "different"),
    "a member of one": (lambda: ASKED.project("a", member="x"), "asked: a", "one member only"),
    "a member of no name": (lambda: ALL_ASKED.project("many", member=any_of(5)), "=5", "a text"),
    "attempts is a text": (
        lambda: request_with_retry(Ask, Yes, seconds=1, attempts=any_of("3")),
        "attempts='3'",
        "at least 1",
    ),
}


@pytest.mark.parametrize("case", DECLARED)
def test_what_is_no_declaration_is_named(case: str) -> None:
    make, part, expected = DECLARED[case]

    with pytest.raises(ProtocolError) as raised:
        make()

    assert part in raised.value.part
    assert expected in raised.value.problem


OPTIONS: dict[str, tuple[Make, str]] = {
    "monitor of a text": (lambda: Monitor(any_of("x"), {}), "protocol"),
    "monitor of the class": (lambda: Monitor(any_of(Protocol), {}), "protocol"),
    "roles is a list": (lambda: monitor(["a", "b"]), "roles"),
    "roles is a text": (lambda: monitor("ab"), "roles"),
    "a player is a text": (lambda: monitor({"a": "/x", "b": None}), "roles['a']"),
    "a player is a number": (lambda: monitor({"a": 5, "b": None}), "roles['a']"),
    "a player is no ref": (lambda: monitor({"a": [5], "b": None}), "roles['a']"),
    "a player is props": (lambda: monitor({"a": Props(Player), "b": None}), "roles['a']"),
    "no players": (lambda: monitor({"a": [], "b": None}), "roles['a']"),
    "sample is a text": (lambda: monitor(sample="1"), "sample"),
    "sample is nan": (lambda: monitor(sample=math.nan), "sample"),
    "sample is a bool": (lambda: monitor(sample=True), "sample"),
    "limit is a text": (lambda: monitor(limit="5"), "limit"),
    "limit is a half": (lambda: monitor(limit=1.5), "limit"),
    "key is None": (lambda: monitor(key=None), "key"),
    "key is a text": (lambda: monitor(key="id"), "key"),
    "monitor of no system": (lambda: monitor().attach(any_of("x")), "system"),
    "monitor of the system's class": (lambda: monitor().attach(any_of(ActorSystem)), "system"),
    "recorder's limit is a text": (lambda: Recorder(limit=any_of("5")), "limit"),
    "recorder's limit is huge": (lambda: Recorder(limit=10**30), "limit"),
    "recorder's limit is nan": (lambda: Recorder(limit=any_of(math.nan)), "limit"),
    "file is a number": (lambda: Recorder(file=any_of(5)), "file"),
    "file is empty": (lambda: Recorder(file=""), "file"),
    "file is bytes": (lambda: Recorder(file=any_of(b"x")), "file"),
    "file has a null": (lambda: Recorder(file="a\0b"), "file"),
    "max_bytes is a text": (lambda: Recorder(max_bytes=any_of("9999")), "max_bytes"),
    "registry is a list": (lambda: Recorder(registry=any_of([Ask])), "registry"),
    "recorder of no system": (lambda: Recorder().attach(any_of("x")), "system"),
    "a recording of a number": (lambda: Recording.load(any_of(5)), "path"),
    "a recording's registry": (lambda: Recording.load("x", registry=any_of(5)), "registry"),
    "a conversation by a text": (lambda: Conversation(any_of("x")), "protocol"),
    "a text was observed": (lambda: Conversation(ASKED).observe(any_of("x")), "seen"),
    "a diagram of a text": (lambda: sequence_diagram(any_of("x")), "protocol"),
    "states of a protocol": (lambda: state_diagram(any_of(ASKED)), "automaton"),
    "a page of a text": (lambda: page(any_of("x")), "protocol"),
    "a page at level 0": (lambda: page(ASKED, level=0), "level"),
    "a state beyond": (lambda: ASKED.project("a").actions(99), "state"),
    "a state before": (lambda: ASKED.project("a").actions(-1), "state"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_cannot_be_is_named(case: str) -> None:
    make, option = OPTIONS[case]

    with pytest.raises(OptionError) as raised:
        make()

    assert raised.value.option == option


def recorded(tmp_path: Path) -> Recording:
    file = tmp_path / "recording"
    with ActorSystem() as system, Recorder(file=file).attach(system):
        pass
    return Recording.load(file)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("actor", 5),
        ("since", "1"),
        ("until", True),
        ("correlation", "x"),
    ],
)
def test_a_choice_of_entries_has_to_be_one(tmp_path: Path, option: str, value: Any) -> None:
    recording: Any = recorded(tmp_path)

    with pytest.raises(OptionError) as raised:
        recording.where(**{option: value})

    assert raised.value.option == option


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("scenario", 5),
        ("path", 5),
        ("faults", {"crashes": 1}),
        ("at_rest", 5),
        ("overwrite", "yes"),
    ],
)
def test_an_export_that_cannot_be_writes_nothing(tmp_path: Path, option: str, value: Any) -> None:
    recording: Any = recorded(tmp_path)
    target = tmp_path / "test_it.py"
    given = {"path": target, "scenario": "os:getcwd", option: value}

    with pytest.raises(OptionError) as raised:
        recording.to_test(**given)

    assert raised.value.option == option
    assert not target.exists()


def test_who_plays_no_role_is_named_and_who_does() -> None:
    with pytest.raises(UnknownRoleError) as raised:
        monitor({"a": Player})

    assert (raised.value.role, raised.value.known) == ("b", ("a",))
    assert "nobody is said to play 'b'" in str(raised.value)


def test_a_system_that_has_not_started_is_told_from_what_is_none() -> None:
    with pytest.raises(SystemStateError):
        monitor().attach(ActorSystem())


def test_a_recorder_of_no_system_makes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "recording"

    with pytest.raises(OptionError, match="system='x': expected an ActorSystem"):
        any_of(Recorder(file=file)).attach("x")

    assert not file.exists()
