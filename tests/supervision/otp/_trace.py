"""The lifecycle events of the system, as lines of the trace."""

from dramaturg.actors import (
    ActorStarted,
    ActorStopping,
    ActorSystem,
    ExitReason,
    IncarnationEnded,
)
from dramaturg.supervision import StartTimeout
from tests.supervision.otp._reasons import text_of
from tests.supervision.otp._stage import Attempt, Stage, scenario_path


def write_trace(system: ActorSystem, stage: Stage) -> None:
    """Let the stage note what the system tells of itself."""

    def write(event: ActorStarted | ActorStopping | IncarnationEnded) -> None:
        path = scenario_path(event.path)
        # One before it may linger; the end is that one's.
        started = isinstance(event, ActorStarted)
        attempt = stage.at(path) if started else stage.of(path, event.incarnation)
        if attempt is None:
            return
        match event:
            case ActorStarted():
                _started(stage, attempt)
            case ActorStopping(reason=ExitReason(kind="killed")):
                _killed(stage, attempt)
            case IncarnationEnded(reason=reason):
                _ended(stage, attempt, reason)
            case _:
                pass

    system.events.subscribe(write, ActorStarted, ActorStopping, IncarnationEnded)


def _started(stage: Stage, attempt: Attempt) -> None:
    attempt.has_started = True
    stage.ran[attempt.path] = attempt.ref
    if not attempt.is_supervisor:
        stage.note("start", attempt)


def _killed(stage: Stage, attempt: Attempt) -> None:
    # In OTP a process is dead once it is killed, and its descendants die of that.
    if attempt.is_supervisor and not attempt.end_is_noted:
        attempt.end_is_noted = True
        event = "sup_stop" if attempt.has_started else "sup_start_fail"
        stage.note(event, attempt, "killed")


def _ended(stage: Stage, attempt: Attempt, reason: ExitReason) -> None:
    text = text_of(reason) if attempt.has_started else _why_not_started(reason)
    if not attempt.end_is_noted:
        event = "stop" if attempt.has_started else "start_fail"
        stage.note(f"sup_{event}" if attempt.is_supervisor else event, attempt, text)
    stage.leave(attempt, text)


def _why_not_started(reason: ExitReason) -> str:
    if reason == ExitReason("normal", tag="ignore"):
        return "ignore"
    if isinstance(reason.error, StartTimeout):
        return "timeout"
    return text_of(reason)
