"""From what a journal holds to the source of a test.

Events stand there as the calls that make them. One that such a call would not make exactly as it
is stored (it has an old version, or is a record of the library's own) stands there as its bytes,
with what it says above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from dramaturg.actors import DramaturgError, Refused
from dramaturg.protocols._recording_errors import RecordingError
from dramaturg.protocols._recording_shape import OpaqueError, shape_of
from dramaturg.protocols.testing._incident_source import (
    INDENT,
    WIDTH,
    Atom,
    Code,
    Group,
    Imports,
    code_of,
    lines_of,
    quoted,
)
from dramaturg.protocols.testing._verdict import counted
from dramaturg.protocols.workflows import Workflow
from dramaturg.protocols.workflows._history import entry_of

if TYPE_CHECKING:
    from dramaturg.actors import Codec
    from dramaturg.protocols.testing._stored_incident import StoredIncident
    from dramaturg.protocols.testing._stored_replay import Happened, StoredRun

__all__ = ["Wanted", "source_of"]

KIT = "dramaturg.protocols.testing"
CONSEQUENCES = ("ActorCrashed", "ActorStopped", "StartFailed")
PRIVATE = re.compile(r"dramaturg\.(.*\.)?_")
COMMENT = 80


class Wanted(NamedTuple):
    """What is wanted of a test; see :meth:`StoredIncident.to_test`. Functions by their places."""

    asks: tuple[Any, ...]
    holds: str | None
    setup: str | None


def source_of(
    incident: StoredIncident, wanted: Wanted, again: StoredRun | None, codec: Codec
) -> str:
    """Return the source of the test.

    :param again: what came of it here; None of a workflow.
    :raises RecordingError: if a message cannot be written down.
    """
    return "\n".join([*_Source(incident, wanted, again, codec).lines(), ""])


class _Source:
    def __init__(
        self, incident: StoredIncident, wanted: Wanted, again: StoredRun | None, codec: Codec
    ) -> None:
        self._incident = incident
        self._wanted = wanted
        self._again = again
        self._codec = codec
        self._error = None if again is None else _first_hand(again)
        self._name = f"test_{_slug(incident.name)}_{self._claim()}"
        self._imports = Imports(["EVENTS", "replayed", self._name])
        for name in ("Happened", "replay_stored"):
            self._imports.name(f"{KIT}:{name}")  # first, so that others give way to these
        self._owner = self._imports.name(incident.place)

    def _claim(self) -> str:
        """Say what the test is about, as the end of its name."""
        if self._error is not None:
            return f"does_not_fail_with_{_snake(self._error)}"
        if self._incident.is_cut:
            return f"does_not_end_{self._incident.ended}"
        if self._wanted.holds is not None:
            return f"is_{_slug(self._wanted.holds.rpartition(':')[2].rpartition('.')[2])}"
        return "is_as_it_was"

    def lines(self) -> Iterator[str]:
        # What is written first knows which imports there are.
        body = [*self._events(), "", "", *self._test()]
        yield from self._docstring()
        yield ""
        yield from self._imports.lines()
        yield ""
        yield from body

    def _docstring(self) -> Iterator[str]:
        incident = self._incident
        events = incident.events
        what = f"{incident.place.rpartition(':')[2]} {incident.name}"
        file = re.split(r"[/\\]", incident.file)[-1]
        yield f'"""An incident in {_plain(file)}: {_plain(what)}.'
        yield ""
        yield f"Written by `StoredIncident.to_test`; {self._until()}."
        when = f", the last stored {_when(events[-1].at)}" if events else ""
        before = f" behind a snapshot of event {incident.after}" if incident.after else ""
        yield f"{counted(len(events), 'event')}{before}{when}."
        yield '"""'

    def _until(self) -> str:
        if self._claim() == "is_as_it_was":
            return "it fails when something else comes of it"
        return "it fails as long as the bug is there"

    # -- events ----------------------------------------------------------------------------

    def _events(self) -> Iterator[str]:
        yield "EVENTS = ["
        for number, each in enumerate(self._incident.events, self._incident.after + 1):
            yield from self._event(number, each)
        yield "]"
        state = self._incident.state
        if state is not None:
            yield ""
            yield from lines_of("STATE = ", self._snapshot(state))

    def _event(self, number: int, event: Happened) -> Iterator[str]:
        at = ("", Atom(repr(float(event.at))))
        message = self._decoded(event.event)
        code = self._exact(message, event.event)
        if code is not None:
            yield from lines_of("", Group("Happened(", (at, ("", code)), ")"), ",", INDENT)
            return
        yield f"{INDENT}# {number}: {self._said(message)}"
        line = f"{INDENT}Happened({at[1].text}, {quoted(event.event)}),"
        if len(line) <= WIDTH:
            yield line
            return
        yield f"{INDENT}Happened("
        yield f"{INDENT * 2}{at[1].text},"
        yield from _pieces(event.event, INDENT * 2)
        yield f"{INDENT}),"

    def _decoded(self, payload: bytes) -> Any:
        try:
            return self._codec.decode(payload, object)
        except DramaturgError as error:
            return error

    def _exact(self, message: Any, payload: bytes) -> Code | None:
        """Write a message as a call, if that makes these very bytes."""
        try:
            if self._codec.encode(message) != payload:
                return None
        except DramaturgError:
            return None
        return self._written(message)

    def _written(self, value: Any) -> Code | None:
        try:
            shape = shape_of(value)
        except OpaqueError:
            return None
        if any(PRIVATE.match(each) or each.startswith("/") for each in _places(shape)):
            return None
        imports = deepcopy(self._imports)  # what is not written is not imported
        try:
            code = code_of(shape, imports)
        except RecordingError:
            return None
        self._imports = imports
        return code

    def _snapshot(self, payload: bytes) -> Code:
        try:
            state = self._codec.decode_value(payload)
            code = self._written(state)
        except DramaturgError:
            code = None
        return Atom(quoted(payload)) if code is None else code

    def _said(self, message: Any) -> str:
        if isinstance(self._incident.owner, Workflow) and not isinstance(message, DramaturgError):
            entry = entry_of(0, 0.0, message, None)
            said = f"{entry.address}: {entry.what}" if entry.address else entry.what
        else:
            said = repr(message)
        text = _plain(" ".join(said.split()))
        return text if len(text) <= COMMENT else f"{text[: COMMENT - 3]}..."

    # -- the test --------------------------------------------------------------------------

    def _test(self) -> Iterator[str]:
        yield f"def {self._name}() -> None:"
        yield from lines_of("replayed = ", self._call(), indent=INDENT)
        yield ""
        yield from self._asserts()

    def _call(self) -> Code:
        incident, wanted = self._incident, self._wanted
        arguments: list[tuple[str, Code]] = [
            ("", Atom(self._owner)),
            ("", Atom(quoted(incident.name))),
            ("", Atom("EVENTS")),
        ]
        if incident.state is not None:
            arguments += [("state=", Atom("STATE")), ("after=", Atom(str(incident.after)))]
        if wanted.asks:
            asks = tuple(("", self._certainly(each)) for each in wanted.asks)
            arguments.append(("asks=", Group("[", asks, "]")))
        if wanted.setup is not None:
            arguments.append(("setup=", Atom(self._imports.name(wanted.setup))))
        return Group("replay_stored(", tuple(arguments), ")")

    def _certainly(self, message: Any) -> Code:
        found = self._written(message)
        if found is None:
            raise RecordingError(
                thing=repr(message), problem="no call can be written that makes it"
            )
        return found

    def _asserts(self) -> Iterator[str]:
        said = ", str(replayed)"
        incident, again = self._incident, self._again
        if self._error is not None:
            yield f'{INDENT}assert "{self._error}" not in replayed.errors{said}'
        if incident.is_cut:
            yield f'{INDENT}assert replayed.status != "{incident.ended}"{said}'
        if self._wanted.holds is not None:
            holds = self._imports.name(self._wanted.holds)
            yield f"{INDENT}assert {holds}(replayed.state){said}"
        if self._claim() == "is_as_it_was":
            if incident.ended is not None:
                yield f'{INDENT}assert replayed.status == "{incident.ended}"{said}'
            yield f"{INDENT}assert replayed.errors == (){said}"
            if again is not None:
                yield from self._as_it_was("replayed.state", again.state)
                yield from self._as_it_was("replayed.answers", again.answers)

    def _as_it_was(self, what: str, value: Any) -> Iterator[str]:
        code = self._written(value)
        if code is not None and value != ():
            yield from lines_of(f"assert {what} == ", code, ", str(replayed)", INDENT)


def _first_hand(again: StoredRun) -> str | None:
    """Name the error that others followed from; a declared no is an answer."""
    refused = {type(each).__name__ for each in again.answers if isinstance(each, Refused)}
    found = [each for each in again.errors if each not in refused]
    return next((each for each in found if each not in CONSEQUENCES), next(iter(found), None))


def _places(shape: Any) -> Iterator[str]:
    """Go through the places, and the paths of refs, that a shape names."""
    if shape.__class__ is not list:
        return
    parts: list[Any] = shape
    tag, *rest = parts
    inside: list[Any] = rest
    if tag in {"object", "call", "enum", "name", "ref"}:
        yield rest[0]
        inside = [each[1] for each in rest[1:]] if tag == "object" else []
        inside = rest[1:] if tag == "call" else inside
    elif tag == "dict":
        inside = [each for pair in rest for each in pair]
    for each in inside:
        yield from _places(each)


def _pieces(payload: bytes, indent: str) -> Iterator[str]:
    """Write bytes over several lines."""
    room = WIDTH - len(indent) - 1
    start = 0
    while start < len(payload):
        end = start + 1
        while end < len(payload) and len(quoted(payload[start : end + 1])) <= room:
            end += 1
        yield f"{indent}{quoted(payload[start:end])}{',' if end == len(payload) else ''}"
        start = end


def _slug(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_").lower() or "it"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _plain(text: str) -> str:
    """Leave out what would end a docstring or a comment."""
    clean = "".join(each if each.isprintable() else " " for each in text)
    return clean.replace('"""', "'''").replace("\\", "/")


def _when(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
