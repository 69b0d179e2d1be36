"""What a search has come to: pass, fail or unknown, and everything to understand a failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from dramaturg.protocols.testing._diagram import mermaid, sequence_diagram

if TYPE_CHECKING:
    from dramaturg.protocols.testing._event import Schedule
    from dramaturg.protocols.testing._kernel import Step

__all__ = ["Failure", "Outcome", "SimulationFailed", "Verdict"]

Outcome: TypeAlias = Literal["pass", "fail", "unknown"]


class SimulationFailed(AssertionError):  # noqa: N818 - a failed test is no error of the kit
    """A property does not hold; its text is the report.

    :param verdict: the whole result.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(f"{verdict}")


@dataclass(frozen=True, slots=True)
class Failure:
    """The shortest run that was found in which a property does not hold.

    :param schedule: the names of its events, in order; ``token`` is the same as one word.
    :param departures: how many of them are not the calm choice.
    :param strategy: what found it, in which run (``found_in``, from 1), with how many
        events at first (``found_with``).
    :param parting: where it parts from the most similar run that passed.
    :param difference: which fields the last event has changed.
    :param instead_of: the property that was found broken at first, in the end of a longer run;
        what ``always`` holds was broken before that.
    """

    property: str
    detail: str
    schedule: Schedule
    token: str
    departures: int
    strategy: str
    found_in: int
    found_with: int
    actors: tuple[str, ...]
    steps: tuple[Step, ...] = field(compare=False)
    parting: str | None
    difference: tuple[str, ...]
    instead_of: str | None = None

    def mermaid(self) -> str:
        """Draw the run as a sequence diagram for Mermaid."""
        return mermaid(self.actors, self.steps)

    def __str__(self) -> str:
        lines = [f"{self.property}" + (f": {self.detail}" if self.detail else ""), ""]
        lines += [sequence_diagram(self.actors, self.steps), ""]
        events, departures = len(self.schedule), self.departures
        lines.append(
            f"{counted(events, 'event')}, {departures} out of the calm order; found by"
            f" {self.strategy} in run {self.found_in}, with {counted(self.found_with, 'event')}"
        )
        if self.instead_of is not None:
            lines.append(f"found as {self.instead_of}, which a longer run comes to")
        if self.parting is not None:
            lines.append(self.parting)
        lines += [f"  {line}" for line in self.difference]
        lines.append(f"replay: {self.token}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a search has come to.

    "pass" says that no run of so many broke a property, and at least nine of ten came to
    rest; "unknown" that more of them were cut off, or one that went in a circle with nothing
    going wrong (``livelock``); "fail" that a property does not hold, or that a ``sometimes`` was
    never reached (``never``).

    :param schedules: how many runs there were, with so many ``events`` together.
    :param truncated: how many of them were cut off before they came to rest.
    :param seed: the same seed tries the same runs.
    :param why: why it is unknown, and what to do about it.
    :param complete: whether there is no other schedule; only a search that is told to be
        ``exhaustive`` can say so, and its verdict is "unknown" if it came to its bound before.
    """

    outcome: Outcome
    schedules: int
    events: int
    truncated: int
    seed: int
    never: tuple[str, ...] = ()
    failure: Failure | None = None
    complete: bool = False
    livelock: Schedule = ()
    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether the outcome is "pass"."""
        return self.outcome == "pass"

    def check(self) -> Verdict:
        """Return the verdict if it is a pass.

        :raises SimulationFailed: with the report, if it is not.
        """
        if not self.passed:
            raise SimulationFailed(self)
        return self

    def __str__(self) -> str:
        share = self.truncated / max(1, self.schedules)
        runs, events = counted(self.schedules, "schedule"), counted(self.events, "event")
        runs += ", complete" if self.complete else ""
        lines = [f"{self.outcome}: {runs}, {events}, {share:.0%} cut off, seed {self.seed}"]
        lines += [f"never reached: {name}" for name in self.never]
        if self.outcome == "unknown":
            lines.append(self.why)
        if self.failure is not None:
            lines += ["", str(self.failure)]
        return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """Return "1 event", "2 events"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
