"""One search as the options of the pytest run want it."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from dramaturg._running_test import RUNNING
from dramaturg.protocols.testing._borders import check_passed_on, check_scenario, options_of
from dramaturg.protocols.testing._errors import ForeignScheduleError
from dramaturg.protocols.testing._explore import SCHEDULES, explore, replay
from dramaturg.protocols.testing._explore_system import explore_system, replay_system
from dramaturg.protocols.testing._failure_file import FailureFiles
from dramaturg.protocols.testing._verdict import SimulationFailed, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dramaturg._running_test import RunningTest
    from dramaturg.protocols.testing._replay import Replayed

__all__ = ["ReplayFailed", "check_options", "search", "simulation_of"]

IN_HYPOTHESIS = 20
"""So many schedules for each example of Hypothesis, unless the test says how many."""


class ReplayFailed(AssertionError):  # noqa: N818 - a failed test is no error of the kit
    """A schedule that was run again breaks a property, again.

    :param replayed: what came of it.
    """

    def __init__(self, replayed: Replayed) -> None:
        self.replayed = replayed
        super().__init__(str(replayed))


def check_options(who: str, options: Mapping[str, object], *, system: bool) -> None:
    """Check that these are options of the search.

    :raises ScenarioError: for another one, or one that cannot be used.
    """
    check_passed_on(who, options, explore_system if system else explore, system=system)


def simulation_of(scenario: Callable[..., Any], **options: Any) -> Verdict | None:
    """Look for a failing schedule within a test, as ``@simulate`` does around one.

    For rules of a ``RuleBasedStateMachine``, loops, tests of unittest::

        @rule(amount=st.integers(1, 9))
        def sell(self, amount: int) -> None:
            async def scenario(sim: Simulation) -> None: ...

            simulation_of(scenario)

    It obeys the options of the pytest run, and within Hypothesis tries only 20 schedules.

    :param scenario: of a system if it is ``async def``, else of a world.
    :param options: those of :func:`explore_system` or :func:`explore`.
    :return: None if only one schedule was replayed.
    :raises SimulationFailed: if a property does not hold; with the report.
    :raises ReplayFailed: if it does not in a schedule that was run again.
    :raises ForeignScheduleError: if nothing but the calm run is possible of that schedule.
    :raises ScenarioError: as :func:`explore_system`, and for an unknown option.
    """
    __tracebackhide__ = True
    check_scenario(scenario, system=None)
    system = iscoroutinefunction(scenario)
    check_options("simulation_of", options, system=system)
    return search(scenario, options, system=system)


def search(
    scenario: Callable[..., Any], options: Mapping[str, Any], *, system: bool
) -> Verdict | None:
    """Do what :func:`simulation_of` does, with options that were checked."""
    __tracebackhide__ = True
    return _Search(scenario, options, RUNNING.get(), system).go()


@dataclass(frozen=True, slots=True)
class _Search:
    scenario: Callable[..., Any]
    options: Mapping[str, Any]
    running: RunningTest | None
    system: bool

    def go(self) -> Verdict | None:
        """Search, or replay what the run wants to be replayed."""
        __tracebackhide__ = True
        running = self.running
        if running is not None and running.replay is not None:
            self._replay_one(running, running.replay)
            return None
        files = self._files()
        if files is not None:
            self._replay_stored(files)
        verdict = self._explore()
        if verdict.passed:
            return verdict
        failed = SimulationFailed(verdict)
        self._explain(failed, verdict, files)
        raise failed

    def _explore(self) -> Verdict:
        options = dict(self.options)
        running = self.running
        if options.get("schedules") is None and _within_hypothesis():
            options["schedules"] = IN_HYPOTHESIS
        if running is not None:
            if running.schedules is not None:
                options["schedules"] = running.schedules
            elif running.times > 1:
                said = options.get("schedules")
                options["schedules"] = running.times * (SCHEDULES if said is None else said)
            if running.seed is not None:
                options["seed"] = running.seed
        if self.system:
            return explore_system(self.scenario, **options)
        return explore(self.scenario, **options)

    def _again(self, schedule: str | tuple[str, ...]) -> Replayed:
        function: Callable[..., Any] = replay_system if self.system else replay
        known = options_of(function)
        options = {name: value for name, value in self.options.items() if name in known}
        if self.options.get("exhaustive") and "any_sender_first" in known:
            options["any_sender_first"] = True  # which it implies
        replayed: Replayed = function(self.scenario, schedule, **options)
        return replayed

    def _replay_one(self, running: RunningTest, token: str) -> None:
        __tracebackhide__ = True
        replayed = self._again(token)
        if replayed.run.broken is not None:
            raise ReplayFailed(replayed)
        running.say(f"{running.name}\n{replayed}")

    # -- files ---------------------------------------------------------------------------------

    def _files(self) -> FailureFiles | None:
        running = self.running
        # Hypothesis has a database of its own, and an example makes no other schedule fail.
        if running is None or running.failures is None or _within_hypothesis():
            return None
        return FailureFiles(running.failures, running.name)

    def _replay_stored(self, files: FailureFiles) -> None:
        __tracebackhide__ = True
        for path, stored in files.stored():
            try:
                replayed = self._again(stored.schedule)
            except ForeignScheduleError:
                # The code was changed so much that it cannot come to this any more.
                path.unlink(missing_ok=True)
                continue
            if replayed.run.broken is None:
                if not replayed.run.truncated:
                    path.unlink(missing_ok=True)
                continue
            error = ReplayFailed(replayed)
            error.add_note(f"kept in {path}")
            error.add_note(_command(files.test, stored.token))
            raise error

    def _explain(
        self, error: SimulationFailed, verdict: Verdict, files: FailureFiles | None
    ) -> None:
        if verdict.failure is None:
            return
        if files is not None:
            path = files.save(verdict.failure, seed=verdict.seed, report=str(verdict))
            error.add_note(f"kept in {path}")
        if self.running is not None:
            error.add_note(_command(self.running.name, verdict.failure.token))


def _command(test: str, token: str) -> str:
    return f"again: pytest {shlex.quote(test)} --simulate-replay={token}"


def _within_hypothesis() -> bool:
    if "hypothesis" not in sys.modules:
        return False
    from hypothesis import currently_in_test_context  # noqa: PLC0415 - only where it is loaded

    return currently_in_test_context()
