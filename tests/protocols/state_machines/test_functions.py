"""What the functions of a table have to be is looked at when the machine is declared."""

import functools
from typing import Any, cast

import pytest

from dramaturg.protocols.state_machines import (
    MachineDataError,
    MachineDefinitionError,
    after,
    on,
    transitions,
)
from tests.actors.kit import within
from tests.protocols.state_machines.kit import (
    END,
    LINE,
    RETRY,
    A,
    B,
    C,
    Go,
    Lab,
    Notes,
    World,
    machine,
    status,
)


async def later(data: Any, event: Any) -> Any:
    """Answer later."""


async def one_by_one(data: Any, event: Any) -> Any:
    """Answer more than once."""
    yield data


class Later:
    """Called, it answers later."""

    async def __call__(self, data: Any, event: Any) -> Any:
        """Answer later."""


def lone(data: Any) -> Any:
    """Take too few."""


def keyword(data: Any, event: Any, *, limit: int) -> Any:
    """Need what nobody gives."""


def starting(function: Any) -> Any:
    return LINE.timing(RETRY.start(function))


def with_content(function: Any) -> Any:
    return LINE.timing(RETRY.start(1.0, function))


WORDS: dict[str, Any] = {
    "when": LINE.when,
    "updating": LINE.updating,
    "replying": LINE.replying,
    "inserting": LINE.inserting,
    "start": starting,
    "content": with_content,
    "after": after,
}


@pytest.mark.parametrize(
    "function",
    [later, one_by_one, Later(), functools.partial(later)],
    ids=["async def", "generator", "object", "partial"],
)
@pytest.mark.parametrize("word", WORDS)
def test_a_pure_function_is_no_async_one(word: str, function: Any) -> None:
    with pytest.raises(MachineDefinitionError, match=r"is async: expected a pure function"):
        WORDS[word](function)


@pytest.mark.parametrize("function", [lone, keyword, lambda: None], ids=["one", "keyword", "none"])
@pytest.mark.parametrize("word", WORDS)
def test_a_pure_function_takes_data_and_event(word: str, function: Any) -> None:
    with pytest.raises(MachineDefinitionError, match=r"expected \(data, event\)"):
        WORDS[word](function)


def test_an_action_takes_the_machine_and_a_step() -> None:
    with pytest.raises(MachineDefinitionError, match=r"do\(lone\) takes .*\(machine, step\)"):
        LINE.do(cast("Any", lone))


def test_what_takes_more_if_it_is_given_and_what_does_not_say_will_do() -> None:
    def lenient(data: Notes, event: Any, depth: int = 0) -> Notes:
        return data

    machine(transitions(LINE.updating(lenient).updating(functools.partial(lenient, depth=1)), END))
    LINE.replying(max)
    LINE.do(later)


@pytest.mark.parametrize("answer", ["no", None, 1, 0, ()], ids=repr)
async def test_a_guard_that_says_neither_yes_nor_no_changes_nothing(answer: Any) -> None:
    table = transitions(on(Go).at(A).to(B).when(lambda data, event: answer), END)
    async with World().living(machine(table)) as ref:
        with pytest.raises(Exception, match="expected True or False") as raised:
            await within(ref.request(Go()))
        found = await status(ref)

    cause = raised.value.__cause__
    assert isinstance(cause, MachineDataError)
    assert (cause.part, cause.value) == ("when(a lambda)", answer)
    assert (found.state, found.sequence) == (A, 1)


async def test_a_guard_that_gives_a_coroutine_says_neither() -> None:
    def hidden(data: Notes, event: Go) -> Any:
        return later(data, event)

    table = transitions(on(Go).at(A).to(B).when(hidden), END)
    async with World().living(machine(table)) as ref:
        with pytest.raises(Exception, match="expected True or False"):
            await within(ref.request(Go()))
        assert (await status(ref)).state is A


def test_a_method_will_do() -> None:
    class Own(Lab):
        """Has its functions in the class."""

        def is_fine(data: Notes, event: Any) -> bool:  # type: ignore[misc] # noqa: N805
            return True

        async def act(self, step: Any) -> None:
            """Do nothing."""

        table = transitions(LINE.when(is_fine).do(act), on(Go).at(B).to(C))
        final = (C,)

    assert "Go [is_fine] / act" in Own.diagram()
