"""What is seen of a tree from outside."""

from dramaturg.actors import (
    ActorEnded,
    ActorFailed,
    ActorStarted,
    ActorSystem,
    ExitReason,
    IncarnationEnded,
    LifecycleEvent,
)


class Watched:
    """What lifecycle events say, and what must be true of them in any tree."""

    def __init__(self, system: ActorSystem) -> None:
        self.trace: list[tuple[str, ...]] = []
        self.reported: list[str] = []
        self.live: dict[str, int] = {}
        self.started: set[str] = set()
        self.ended: set[str] = set()
        self.problems: list[str] = []
        system.events.subscribe(self._note, LifecycleEvent)

    def _note(self, event: LifecycleEvent) -> None:
        if event.path == "/":
            return
        if isinstance(event, ActorStarted):
            self._begins(event.path, event.incarnation)
        elif isinstance(event, IncarnationEnded):
            self._ends(event.path, event.incarnation, event.reason)
        elif isinstance(event, ActorFailed):
            self.reported.append(event.path)
        elif isinstance(event, ActorEnded):
            self._check(event.path not in self.live, f"{event.path} is gone and lives")
            self.ended.add(event.path)

    def _begins(self, path: str, incarnation: int) -> None:
        self._check(path not in self.live, f"{path} lives twice")
        self.live[path] = incarnation
        self.started.add(path)
        self.ended.discard(path)
        self.trace.append(("up", path))

    def _ends(self, path: str, incarnation: int, reason: ExitReason) -> None:
        lived = self.live.pop(path, incarnation)
        self._check(lived == incarnation, f"{path}: {incarnation} ended while {lived} lived")
        below = [each for each in self.live if each.startswith(f"{path}/")]
        self._check(not below, f"{below} outlived {path}")
        self.trace.append(("end", path, reason.kind))

    def _check(self, holds: bool, problem: str) -> None:
        # What a subscriber raises is logged and lost.
        if not holds:
            self.problems.append(problem)
