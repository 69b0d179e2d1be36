"""From a recording to the source of a test that runs the incident again."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from dramaturg.protocols._recording_errors import RecordingError
from dramaturg.protocols._recording_shape import shape_of
from dramaturg.protocols.testing._faults import NO_FAULTS, Faults
from dramaturg.protocols.testing._incident_places import located
from dramaturg.protocols.testing._incident_source import (
    Atom,
    Code,
    Group,
    Imports,
    code_of,
    lines_of,
    quoted,
)
from dramaturg.protocols.testing._verdict import counted

if TYPE_CHECKING:
    from dramaturg.protocols._recording import Recording
    from dramaturg.protocols._recording_entry import RecordingEntry

__all__ = ["Export", "source_of"]

KIT = "dramaturg.protocols.testing"
CONSEQUENCES = frozenset({"ActorCrashed", "ActorStopped"})
LATEST = 3_000.0
"""Up to here the default horizon leaves room for what follows."""


class Export(NamedTuple):
    """What is wanted of a test; see :meth:`Recording.to_test`."""

    scenario: str | Callable[..., Any]
    around: RecordingEntry | None = None
    faults: Faults | None = None
    at_rest: str | Callable[[Any], object] | None = None


def source_of(recording: Recording, wanted: Export) -> str:
    """Return the source of the test.

    :raises RecordingError: if there is nothing from outside, a message cannot be rebuilt, or a
        function cannot be imported.
    """
    incident = wanted.around or _incident_of(recording)
    used = [each for each in recording if each.number <= incident.number]
    return "\n".join([*_Source(recording, used, incident, wanted).lines(), ""])


def _incident_of(recording: Recording) -> RecordingEntry:
    if not recording.entries:
        raise RecordingError(thing=repr(recording), problem="it is empty")
    failed = [each for each in recording if each.kind == "failed"]
    # Whoever waited for one that failed may have failed with it: no bug of its own.
    first_hand = [each for each in failed if each.error not in CONSEQUENCES]
    return [recording.entries[-1], *failed[-1:], *first_hand[-1:]][-1]


class _Source:
    def __init__(
        self,
        recording: Recording,
        used: list[RecordingEntry],
        incident: RecordingEntry,
        wanted: Export,
    ) -> None:
        self._recording = recording
        self._incident = incident
        self._faults = wanted.faults or NO_FAULTS
        self._name = _test_name(incident)
        self._imports = Imports(["OUTSIDE", "SCHEDULE", "outside", "ref", self._name])
        for name in ("Outside", "replay_incident"):
            self._kit(name)  # first, so that others give way to these
        self._setup = self._imports.name(_place("scenario", wanted.scenario))
        self._at_rest = None
        if wanted.at_rest is not None:
            self._at_rest = self._imports.name(_place("at_rest", wanted.at_rest))
        self._outside = [each for each in used if each.from_outside and each.receiver]
        if not self._outside:
            raise RecordingError(thing=repr(recording), problem="nothing came from outside")
        self._schedule = list(_schedule(used, self._faults))
        self._has_refs = any(
            _has_ref(each.message and each.message.shape) for each in self._outside
        )

    def lines(self) -> Iterator[str]:
        # What is written first knows which imports there are.
        body = [*self._messages(), "", *self._names(), *self._test()]
        yield from self._docstring()
        yield ""
        yield from self._imports.lines()
        yield ""
        yield from body

    def _docstring(self) -> Iterator[str]:
        recording, incident = self._recording, self._incident
        what = "what happened"
        if incident.kind == "failed":
            what = f"{incident.receiver} failed with {incident.error}"
        yield f'"""An incident in {recording.system}, {recording.began:%Y-%m-%d}: {what}.'
        yield ""
        yield "Written by `Recording.to_test`; it fails as long as the bug is there."
        outside = counted(len(self._outside), "message")
        deliveries = sum(each.startswith("deliver ") for each in self._schedule)
        yield f"{outside} from outside, {deliveries} recorded deliveries."
        if recording.dropped:
            yield f"{recording.dropped} earlier entries are missing: they had made room."
        yield '"""'

    # -- what came from outside

    def _messages(self) -> Iterator[str]:
        items = Group("[", tuple(("", each) for each in self._outsides()), "]")
        if self._has_refs:
            ref_at, outside = self._kit("RefAt"), self._kit("Outside")
            yield ""
            yield f"def outside(ref: {ref_at}) -> list[{outside}]:"
            yield from lines_of("return ", items, indent="    ")
            yield ""
        else:
            yield from lines_of("OUTSIDE = ", items)

    def _outsides(self) -> Iterator[Code]:
        entries = self._recording.entries
        asked = {each.message_id for each in entries if each.kind in {"reply", "error"}}
        start = self._outside[0].at
        for entry in self._outside:
            arguments = [
                ("", Atom(_seconds(entry.at - start))),
                ("", Atom(quoted(str(entry.receiver)))),
                ("", self._message(entry)),
            ]
            if entry.message_id in asked:
                arguments.append(("asks=", Atom("True")))
            yield Group(f"{self._kit('Outside')}(", tuple(arguments), ")")

    def _message(self, entry: RecordingEntry) -> Code:
        message = entry.message
        if message is None or message.form == "opaque":
            problem = "" if message is None else message.problem
            raise RecordingError(
                thing=f"entry {entry.number} ({entry})",
                problem=f"the message cannot be rebuilt: {problem}",
            )
        return code_of(message.shape, self._imports)

    # -- the test

    def _names(self) -> Iterator[str]:
        names = Group("[", tuple(("", Atom(quoted(each))) for each in self._schedule), "]")
        yield from lines_of("SCHEDULE = ", names)
        yield ""
        yield ""

    def _test(self) -> Iterator[str]:
        outside = "outside" if self._has_refs else "OUTSIDE"
        arguments: list[tuple[str, Code]] = [
            ("", Atom(self._setup)),
            ("outside=", Atom(outside)),
            ("schedule=", Atom("SCHEDULE")),
        ]
        if self._at_rest is not None:
            arguments.append(("at_rest=", Atom(self._at_rest)))
        if self._faults != NO_FAULTS:
            arguments.append(("faults=", self._budgets()))
        last = self._outside[-1].at - self._outside[0].at
        if last > LATEST:
            arguments.append(("horizon=", Atom(repr(round(last + LATEST, 1)))))
        call = Group(f"{self._kit('replay_incident')}(", tuple(arguments), ")")
        yield f"def {self._name}() -> None:"
        yield from lines_of("replayed = ", call, indent="    ")
        yield ""
        if self._incident.kind == "failed":
            crashes = Group("replayed.crashes(", (("", Atom(quoted(self._path))),), ")")
            yield from lines_of("crashes = ", crashes, indent="    ")
            yield f"    assert {quoted(self._incident.error)} not in crashes, str(replayed)"
        yield "    assert replayed.broken is None, str(replayed)"

    @property
    def _path(self) -> str:
        return self._incident.receiver or "/"

    def _budgets(self) -> Code:
        fields = [
            (f"{each.name}=", code_of(shape_of(getattr(self._faults, each.name)), self._imports))
            for each in dataclasses.fields(self._faults)
            if each.init and getattr(self._faults, each.name) != getattr(NO_FAULTS, each.name)
        ]
        return Group(f"{self._kit('Faults')}(", tuple(fields), ")")

    def _kit(self, name: str) -> str:
        return self._imports.name(f"{KIT}:{name}")


def _seconds(time: float) -> str:
    """Write a time as a float to the microsecond, never as 1e-05."""
    text = f"{time:.6f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def _schedule(used: list[RecordingEntry], faults: Faults) -> Iterator[str]:
    """Write the names of the events that were recorded."""
    numbers: dict[str, int] = {}
    budgets = faults.crash_budgets()
    for entry in used:
        if entry.kind == "received" and entry.message_id is not None:
            name = f"deliver {entry.sender or 'scenario'}->{entry.receiver}"
        elif entry.kind == "failed" and budgets.get(faults.crash_budget_of(entry.receiver or "")):
            name = f"crash {entry.receiver}"
        else:
            continue
        yield f"{name} #{numbers.get(name, 0)}"
        numbers[name] = numbers.get(name, 0) + 1


def _place(what: str, function: str | Callable[..., Any]) -> str:
    """Return where a function is, having looked."""
    place, found = located(what, function)
    if not callable(found):
        raise RecordingError(thing=f"{what} {place!r}", problem="it is no function")
    return place


def _test_name(incident: RecordingEntry) -> str:
    if incident.kind != "failed":
        return "test_incident"
    path = re.sub(r"\W+", "_", (incident.receiver or "").strip("/")).lower()
    error = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", incident.error).lower()
    return f"test_{path}_does_not_fail_with_{error}"


def _has_ref(shape: Any) -> bool:
    if shape.__class__ is not list:
        return False
    parts: list[Any] = shape
    return parts[:1] == ["ref"] or any(map(_has_ref, parts))
