"""The errors: their tree, their fields, and that both survive a trip elsewhere."""

import copy
import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeAlias, get_type_hints

import pykka
import pytest

from dramaturg import actors
from dramaturg.actors import (
    ActorStopped,
    BlockingCallError,
    DeadlineExceeded,
    DramaturgError,
    DuplicateNameError,
    GoneError,
    HandlerDefinitionError,
    InvalidNameError,
    OptionError,
    OutsideActorError,
    Refused,
    RequestCycleError,
    StashOverflowError,
    SystemStateError,
    SystemStopped,
    UnhandledError,
    UsageError,
    _codec_errors,
    _errors,
)


def classes_below(cls: type[DramaturgError]) -> Iterator[type[DramaturgError]]:
    for each in cls.__subclasses__():
        if each.__module__.startswith("dramaturg.actors."):
            yield each
            yield from classes_below(each)


ALL: list[type[DramaturgError]] = [DramaturgError, *classes_below(DramaturgError)]
every_class = pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)

SAMPLES: dict[Any, Any] = {
    str: "text",
    int: 7,
    object: ("any", 1),
    Any: {"sku": "x"},
    str | None: "text",
    int | None: 7,
    float | None: 1.5,
    tuple[str, ...]: ("/a", "/b"),
    tuple[int, ...]: (1, 2),
}


def sample(cls: type[DramaturgError]) -> DramaturgError:
    """Make one, with a value for each parameter that it declares."""
    if "__init__" not in {name for base in cls.__mro__[:-4] for name in vars(base)}:
        return cls("a sentence")
    hints = get_type_hints(cls.__init__)
    values: dict[str, Any] = {}
    for parameter in list(inspect.signature(cls.__init__).parameters.values())[1:]:
        assert parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
        value = SAMPLES[hints[parameter.name]]
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            values.update(value)
        else:
            values[parameter.name] = value
    return cls(**values)


Send: TypeAlias = Callable[[DramaturgError], DramaturgError]


def pickled(protocol: int) -> Send:
    return lambda error: pickle.loads(pickle.dumps(error, protocol))  # noqa: S301


SENDS: dict[str, Send] = {f"pickle-{protocol}": pickled(protocol) for protocol in range(6)} | {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@every_class
@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
def test_fields_and_sentence_survive(cls: type[DramaturgError], send: Send) -> None:
    error = sample(cls)
    error.add_note("a note")

    back = send(error)

    assert type(back) is cls
    assert back is not error
    assert vars(back) == vars(error)
    assert (str(back), back.args, repr(back)) == (str(error), error.args, repr(error))


@every_class
def test_what_an_error_is_given_it_keeps_as_attributes(cls: type[DramaturgError]) -> None:
    error = sample(cls)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    hints = get_type_hints(cls.__init__) if "self" not in vars(cls) else {}

    for parameter in parameters:
        if parameter.name not in ("args", "kwargs"):
            given, kept = SAMPLES[hints[parameter.name]], getattr(error, parameter.name)
            assert kept == given or given in kept
    assert str(error)


@every_class
def test_every_error_can_be_caught_as_one_of_ours_and_has_a_public_name(
    cls: type[DramaturgError],
) -> None:
    assert issubclass(cls, DramaturgError)
    assert getattr(actors, cls.__name__) is cls
    assert cls.__name__ in actors.__all__


@every_class
def test_every_error_says_when_it_is_raised(cls: type[DramaturgError]) -> None:
    assert cls.__doc__
    assert cls.__doc__ != DramaturgError.__doc__ or cls is DramaturgError


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (HandlerDefinitionError, TypeError),
        (OptionError, ValueError),
        (InvalidNameError, ValueError),
        (DuplicateNameError, ValueError),
        (BlockingCallError, RuntimeError),
        (RequestCycleError, RuntimeError),
        (SystemStateError, RuntimeError),
        (OutsideActorError, RuntimeError),
        (StashOverflowError, RuntimeError),
        (UnhandledError, TypeError),
        (GoneError, LookupError),
        (ActorStopped, pykka.ActorDeadError),
        (DeadlineExceeded, TimeoutError),
        (DeadlineExceeded, pykka.Timeout),
    ],
    ids=lambda cls: cls.__name__,
)
def test_errors_can_be_caught_as_what_callers_catch_already(
    cls: type[DramaturgError], builtin: type[Exception]
) -> None:
    assert issubclass(cls, builtin)


BRANCH = re.compile(r"^(?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+)")
IN_BRACKETS = re.compile(r"\(([\w., ]+)\)")


def drawn(module: ModuleType) -> dict[str, tuple[str | None, set[str]]]:
    """Read the tree of a docstring: each name with that of its parent and its other bases."""
    tree: dict[str, tuple[str | None, set[str]]] = {}
    above: list[str] = []
    for line in (module.__doc__ or "").splitlines():
        found = BRANCH.match(line)
        if found is None or not line.startswith("    "):
            continue
        depth = (len(found["indent"]) - 4) // 4
        others = IN_BRACKETS.search(line)
        above[depth:] = [found["name"]]
        bases = others[1].split(", ") if others else []
        parent = above[depth - 1] if depth else None
        tree[found["name"]] = parent, {base.split(".")[-1] for base in bases}
    return tree


def real(module: ModuleType) -> dict[str, tuple[str | None, set[str]]]:
    """Read the same from the classes."""
    tree: dict[str, tuple[str | None, set[str]]] = {"DramaturgError": (None, set())}
    for cls in ALL[1:]:
        if cls.__module__ == module.__name__:
            ours = [base for base in cls.__bases__ if issubclass(base, DramaturgError)]
            others = {base.__name__ for base in cls.__bases__ if base not in ours}
            tree[cls.__name__] = (ours[0].__name__, others)
    return tree


@pytest.mark.parametrize("module", [_errors, _codec_errors], ids=lambda module: module.__name__)
def test_the_tree_in_the_docstring_is_the_real_one(module: ModuleType) -> None:
    assert drawn(module) == real(module)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OptionError(option="every", value=0, expected="more than 0 seconds"),
            "every=0: expected more than 0 seconds",
        ),
        (DuplicateNameError(path="/a"), "/a exists already: the names of an actor's children"),
        (RequestCycleError(path=("/a", "/b", "/a")), "for ever: /a -> /b -> /a"),
        (ActorStopped(path="/a"), "/a has stopped"),
        (SystemStopped(path="/a", detail="is gone"), "/a is gone"),
        (DeadlineExceeded(waiting_for="/a", timeout=1.5), "no answer from /a within 1.5 s"),
        (DeadlineExceeded(waiting_for="/a", timeout=None), "no answer from /a in time"),
        (Refused(), "refused"),
        (Refused("sold out", sku="x"), "sold out"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_build_their_own_sentences(error: DramaturgError, sentence: str) -> None:
    assert sentence in str(error)


def test_a_subclass_of_a_user_survives_too() -> None:
    back = pickle.loads(pickle.dumps(SoldOut("x")))  # noqa: S301

    assert (type(back), back.sku, back.reason, back.details) == (SoldOut, "x", "sold out", {})


class SoldOut(Refused):
    """As users write them."""

    def __init__(self, sku: str) -> None:
        super().__init__("sold out")
        self.sku = sku


def test_misuse_is_told_apart_from_what_may_happen_to_correct_code() -> None:
    misuse = {cls for cls in ALL if issubclass(cls, UsageError)}

    assert not any(issubclass(cls, GoneError | DeadlineExceeded | Refused) for cls in misuse)
