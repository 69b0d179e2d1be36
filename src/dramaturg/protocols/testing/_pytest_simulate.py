"""``@simulate``: a test that is run in many schedules."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial, wraps
from inspect import (
    BoundArguments,
    Signature,
    isasyncgenfunction,
    iscoroutinefunction,
    isfunction,
    signature,
)
from typing import TYPE_CHECKING, Any, overload

from dramaturg.actors import ActorSystem
from dramaturg.protocols.testing._errors import ScenarioError
from dramaturg.protocols.testing._probe import TestProbe
from dramaturg.protocols.testing._pytest_search import check_options, search
from dramaturg.protocols.testing._stage import VirtualClock, stage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dramaturg.protocols.testing._simulation import Simulation
    from dramaturg.protocols.testing._world import World

__all__ = ["simulate"]


@overload
def simulate(test: Callable[..., Any], /) -> Callable[..., None]: ...
@overload
def simulate(
    **options: Any,
) -> Callable[[Callable[..., Any]], Callable[..., None]]: ...
def simulate(test: Any = None, /, **options: Any) -> Any:
    """Run a test in many schedules, and fail it with the shortest that breaks a property.

    ::

        @simulate(faults=Faults(crashes=1))
        async def test_two_sales(sim: Simulation) -> None:
            store = sim.system.spawn(Store, name="store")
            ...

    An ``async def`` test has a parameter ``sim``, the :class:`Simulation`, and is a scenario of
    :func:`explore_system`; a ``def`` test has a parameter ``world``, and is one of
    :func:`explore`. All other parameters are fixtures and parametrized values, as in
    every test; they are the same for all schedules. With Hypothesis let ``@given`` be
    *above* ``@simulate``; then each example is tried in 20 schedules.

    What is decorated is an ordinary function, that is not awaited.

    :param options: those of :func:`explore_system` or :func:`explore`.
    :raises ScenarioError: for an unknown option or one that cannot be used, or what is no test of
        this kind; and when it runs, if it is given a fixture of a system that is driven by hand.
    """
    if test is None:
        return partial(_simulated, options=options)
    return _simulated(test, options)


def _simulated(test: Any, options: dict[str, Any]) -> Callable[..., None]:
    # What @given makes is called after a function of Hypothesis's.
    own = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    name = getattr(own, "__qualname__", repr(test))
    if not isfunction(test) or isasyncgenfunction(test):
        raise _no_test(name, "is no function", "@simulate or @simulate(...) above a test function")
    if getattr(test, "is_hypothesis_test", False):
        raise _no_test(name, "is made by @given already", "@given above @simulate")
    if getattr(test, "is_simulated_test", False):
        raise _no_test(name, "is simulated already", "@simulate once")
    system = iscoroutinefunction(test)
    check_options("@simulate", options, system=system)
    taken = signature(test)
    subject = "sim" if system else "world"
    if subject not in taken.parameters:
        kind = "an `async def` test" if system else "a `def` test"
        other = "world" if system else "sim"
        expected = f"a parameter {subject!r}"
        if other in taken.parameters:
            expected += f", or `{'def' if system else 'async def'}` for the {other} that it takes"
        raise _no_test(name, f"is {kind} and takes no {subject}", expected)
    others = [each for each in taken.parameters.values() if each.name != subject]
    given = taken.replace(parameters=others, return_annotation=None)

    @wraps(test)
    def simulated(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        # Hypothesis passes on by position what it was given by name.
        bound = given.bind(*args, **kwargs).arguments
        _check_by_hand(name, bound)
        search(_scenario(test, taken, subject, bound), options, system=system)

    marked: Any = simulated
    # pytest and Hypothesis go by it.
    marked.__signature__ = given
    marked.is_simulated_test = True
    return simulated


def _scenario(
    test: Callable[..., Any], taken: Signature, subject: str, bound: Mapping[str, Any]
) -> Callable[[Any], Any]:
    """Make a function of the simulation, or the world, from a test and all its other arguments."""

    def call(value: Any) -> Any:
        given = {**bound, subject: value}
        inner = OrderedDict((name, given[name]) for name in taken.parameters if name in given)
        arguments = BoundArguments(taken, inner)
        return test(*arguments.args, **arguments.kwargs)

    if not iscoroutinefunction(test):

        @wraps(test, updated=())
        def filling(world: World) -> None:
            call(world)

        return filling

    @wraps(test, updated=())
    async def scenario(sim: Simulation) -> None:
        await call(sim)

    return scenario


def _check_by_hand(test: str, given: Mapping[str, Any]) -> None:
    """Check that nothing comes from a system that the test would have to drive by hand."""
    for name, value in given.items():
        system = value.ref.cell.system if isinstance(value, TestProbe) else value
        driven = isinstance(system, ActorSystem) and stage_of(system) is not None
        if driven or isinstance(value, VirtualClock):
            raise ScenarioError(
                thing=f"{test}({name})",
                problem="is of a system that is driven by hand, and of no simulation",
                expected="`sim.system`, whose time goes on by itself; AsyncTestProbe for a probe",
            )


def _no_test(thing: str, problem: str, expected: str) -> ScenarioError:
    return ScenarioError(thing=thing, problem=problem, expected=expected)
