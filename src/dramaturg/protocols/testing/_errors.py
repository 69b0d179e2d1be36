"""The errors of the kit, by who must act."""

from __future__ import annotations

from dramaturg.actors import DramaturgError

__all__ = ["EscapeError", "ForeignScheduleError", "NotReproducibleError", "ScenarioError"]


class ScenarioError(DramaturgError, ValueError):
    """A scenario, an actor in it or an option is not what the kit needs: the test's author acts."""

    def __init__(self, *, thing: str, problem: str, expected: str) -> None:
        self.thing = thing
        self.problem = problem
        self.expected = expected
        super().__init__(f"{thing}: {problem}; expected {expected}")


class ForeignScheduleError(ScenarioError):
    """A schedule to be run again has nothing to do with the scenario: replaying it shows nothing.

    :param thing: the token, or the schedule.
    :param skipped: the events that are not possible; the others are what the calm run does anyway.
    :param events: how many events it has.
    """

    def __init__(self, *, thing: str, skipped: tuple[str, ...], events: int) -> None:
        self.skipped = skipped
        self.events = events
        others = "" if len(skipped) == events else ", and the others are its calm run"
        super().__init__(
            thing=thing,
            problem=(
                f"does not belong to this scenario, in which {len(skipped)} of its {events} events"
                f" are not possible, such as {skipped[0]}{others}"
            ),
            expected="one from a report on this very scenario",
        )


class NotReproducibleError(DramaturgError):
    """The same schedule led somewhere else the second time: the tested code is not deterministic.

    :param step: number of the first step that differs, from 0.
    :param first: what was enabled, or happened, in the first run.
    :param second: what was in the second.
    :param handler: whose doing the step before was, if it is known.
    """

    def __init__(self, *, step: int, first: str, second: str, handler: str | None) -> None:
        self.step = step
        self.first = first
        self.second = second
        self.handler = handler
        after = "" if handler is None else f" (after {handler})"
        super().__init__(
            f"not reproducible from step {step} on{after}: once {first}, once {second};"
            " iterate no set, and take time, randomness and ids from the system"
        )


class EscapeError(DramaturgError):
    """Something in a simulation reaches for what the simulation does not control.

    :param what: the real clock, unseeded randomness, a thread, a socket.
    :param where: the actor that did it, or the scenario.
    """

    def __init__(self, *, what: str, where: str) -> None:
        self.what = what
        self.where = where
        super().__init__(
            f"{where} uses {what}, which no simulation can repeat: use the system's clock, random,"
            " ids and actors, or allow it"
        )
