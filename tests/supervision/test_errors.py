"""The errors and the messages of supervision as values: copied, compared, caught."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from dramaturg.actors import DramaturgError, GoneError, OptionError, Refused, UsageError
from dramaturg.supervision import (
    AlreadyPresent,
    AlreadyStarted,
    ChildNotFound,
    ChildRefused,
    ChildRestarting,
    ChildRunning,
    ChildStartFailed,
    FailedToStartChild,
    PoolRefused,
    RestartLimitReached,
    SpecError,
    SpecRefused,
    StartInstance,
    StartTimeout,
    TerminateChild,
)
from tests.actors.kit import Crash
from tests.supervision.kit import planted

ERRORS: list[DramaturgError] = [
    SpecError(problem="invalid_id", option="id", value="a/b", expected="a name"),
    AlreadyPresent(path="/top", child="a"),
    ChildRunning(path="/top", child="a"),
    ChildRestarting(path="/top", child="a"),
    ChildNotFound(path="/top", child="a"),
    PoolRefused(path="/top", child="a"),
    SpecRefused(path="/top", child="a", problem="bad_combination"),
    ChildStartFailed(path="/top", child="a", error=Crash("why")),
    ChildStartFailed(path="/top", child="a", error=None),
    FailedToStartChild(path="/top", child="a", error=Crash("why")),
    FailedToStartChild(path="/top", child="a", error=None),
    RestartLimitReached(path="/top", child="a", intensity=1, period=5.0),
    StartTimeout(path="/top/a", timeout=2.0),
]

SENDS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_survive_a_trip_elsewhere(error: DramaturgError, send: Callable[[Any], Any]) -> None:
    error.add_note("a note")

    back = send(error)

    assert type(back) is type(error)
    assert back is not error
    assert (str(back), back.args) == (str(error), error.args)
    assert repr(vars(back)) == repr(vars(error))


@pytest.mark.parametrize("send", ["copy", "deepcopy"])
async def test_an_error_with_a_ref_can_be_copied(send: str) -> None:
    async with planted() as tree:
        error = AlreadyStarted(path="/top", child="a", ref=tree.top)

        back = SENDS[send](error)

        assert back.ref is tree.top
        assert str(back) == str(error)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_name_path_and_child_in_their_sentence(error: Any) -> None:
    for name in ("path", "child"):
        assert str(getattr(error, name, "")) in str(error)


def test_each_refusal_has_otps_word_for_its_outcome() -> None:
    words = {cls: cls.outcome for cls in ChildRefused.__subclasses__()}

    assert words == {
        AlreadyStarted: "already_started",
        AlreadyPresent: "already_present",
        ChildRunning: "running",
        ChildRestarting: "restarting",
        ChildNotFound: "not_found",
        PoolRefused: "simple_one_for_one",
        SpecRefused: "bad_spec",
        ChildStartFailed: "start_failed",
    }


@pytest.mark.parametrize(
    ("cls", "base"),
    [
        (SpecError, OptionError),
        (SpecError, UsageError),
        (SpecError, ValueError),
        (ChildRefused, Refused),
        (FailedToStartChild, GoneError),
        (FailedToStartChild, LookupError),
        (StartTimeout, TimeoutError),
        (RestartLimitReached, DramaturgError),
    ],
)
def test_an_error_may_be_caught_as_what_callers_catch_already(
    cls: type[BaseException], base: type[BaseException]
) -> None:
    assert issubclass(cls, base)


def test_messages_are_values() -> None:
    assert TerminateChild("a") == TerminateChild("a")
    assert StartInstance(1, name="a", x=2) == StartInstance(1, name="a", x=2)
    assert StartInstance(1) != StartInstance(2)
    assert StartInstance().args == ()
