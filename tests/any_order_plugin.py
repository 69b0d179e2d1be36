"""Collects each async test once more, to be run in several orders of turns.

A ``conftest.py`` that imports the hook has it for the modules beside it. What cannot be
simulated is left out: tests of threads, and what is marked ``one_order``, with the reason.
"""

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from inspect import Parameter, isasyncgenfunction, iscoroutinefunction, signature
from typing import Any

import pykka
import pytest

from dramaturg.actors import ThreadActor
from dramaturg.protocols.testing import Simulation, simulate
from tests import any_order

SCHEDULES = 3
"""The calm one, and two more."""
EVENTS = 5_000

Fixture = Callable[[], AsyncGenerator[Any]]


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(
    collector: "pytest.Module | pytest.Class", name: str, obj: object
) -> Generator[None, Any, Any]:
    return with_twins(collector, name, obj, (yield))


def with_twins(collector: Any, name: str, obj: object, made: Any) -> Any:
    """Return what was collected for a test, and the same in several orders of turns."""
    if not name.startswith("test_") or not _can_be_simulated(collector, obj):
        return made
    twin = f"{name}_in_any_order"
    names = _names(collector.obj)
    names[twin] = _simulated(obj, names)  # where pytest looks for it
    twins = collector._genfunctions(twin, names[twin])
    return [*made, *(each for each in twins if not _is_about_threads(each))]


def _names(module: object) -> dict[str, Any]:
    return vars(module)


def _can_be_simulated(collector: object, obj: object) -> bool:
    if not isinstance(collector, pytest.Module) or not iscoroutinefunction(obj):
        return False
    marks = [*getattr(obj, "pytestmark", ()), *collector.iter_markers()]
    return all(mark.name != "one_order" for mark in marks)


def _is_about_threads(item: pytest.Function) -> bool:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return any(_is_thread(value) for value in params.values())


def _is_thread(value: Any) -> bool:
    if isinstance(value, type):
        return issubclass(value, ThreadActor | pykka.ThreadingActor)
    several: list[Any] = [*value] if isinstance(value, tuple | list) else []
    return value == "thread" or any(map(_is_thread, several))


def _simulated(test: Any, names: Mapping[str, Any]) -> Any:
    """Make a simulated test of an async one; its async fixtures are made anew in each run."""
    given = signature(test)
    fixtures: dict[str, Fixture] = {
        name: function for name in given.parameters if (function := _fixture(names.get(name)))
    }

    async def scenario(sim: Simulation, **arguments: Any) -> None:
        any_order.enter(sim)
        async with AsyncExitStack() as stack:
            for name, function in fixtures.items():
                arguments[name] = await stack.enter_async_context(asynccontextmanager(function)())
            await test(**arguments)

    sim = Parameter("sim", Parameter.POSITIONAL_OR_KEYWORD)
    others = [
        each.replace(kind=Parameter.KEYWORD_ONLY)
        for name, each in given.parameters.items()
        if name not in fixtures
    ]
    scenario.__signature__ = given.replace(parameters=[sim, *others])  # type: ignore[attr-defined]
    scenario.__name__ = test.__name__
    scenario.__qualname__ = test.__qualname__
    scenario.__doc__ = test.__doc__
    scenario.__dict__["pytestmark"] = [*getattr(test, "pytestmark", ())]
    return simulate(schedules=SCHEDULES, events=EVENTS, allow=("clock", "random"))(scenario)


def _fixture(found: Any) -> Fixture | None:
    function = getattr(found, "_get_wrapped_function", lambda: None)()
    return function if isasyncgenfunction(function) else None
