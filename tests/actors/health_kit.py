"""What the tests of health share: a picture in one call, and a supervisor that reports."""

from datetime import UTC, datetime
from typing import Any

from dramaturg.actors import ActorSystem
from dramaturg.actors._health import ActorHealth, Degradation, HealthNote, SystemHealth
from dramaturg.actors._health_recorder import HealthRecorder
from tests.actors.kit import Idler, Puppet

CACHED = Degradation(
    rung="cached",
    reason="upstream is down",
    since=3.0,
    since_time=datetime(2000, 1, 1, tzinfo=UTC),
    rungs_left=1,
)


def picture(system: ActorSystem) -> SystemHealth:
    return HealthRecorder(system).picture()


def found(system: ActorSystem, path: str) -> ActorHealth:
    actor = picture(system).find(path)
    assert actor is not None
    return actor


class Reporter(Puppet):
    """Says of its health what it is told to say."""

    def __init__(self, answers: list[Any], children: str = "") -> None:
        super().__init__()
        self.answers = answers
        for name in children:
            self.context.spawn(Idler, name=name)

    def _report_health(self) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer


def note(**degraded: Degradation) -> HealthNote:
    return HealthNote(restarts_in_window=2, intensity=5, period=60.0, degraded=degraded)
