"""Two-phase commit after Gray and Lamport, "Consensus on Transaction Commit".

Who decides something on its own accord does so when a timer rings, which it may at any time.
"""

from dataclasses import dataclass
from typing import Any

from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._faults import Network
from dramaturg.protocols.testing._outputs import CancelTimer, Output, SetTimer


@dataclass(frozen=True)
class Prepared:
    participant: str


@dataclass(frozen=True)
class Commit:
    pass


@dataclass(frozen=True)
class Abort:
    pass


class Coordinator:
    def __init__(self, participants: list[str]) -> None:
        self.participants = frozenset(participants)
        self.state = "open"
        self.prepared: set[str] = set()

    def on_start(self) -> list[Output]:
        return [SetTimer("abort")]

    def on_message(self, sender: str, message: Prepared) -> list[Output]:
        if self.state != "open":
            return []
        self.prepared.add(message.participant)
        return [SetTimer("commit")] if len(self.prepared) == len(self.participants) else []

    def on_timer(self, name: str) -> list[Output]:
        committed = name == "commit"
        self.state = "committed" if committed else "aborted"
        said = Commit() if committed else Abort()
        return [
            CancelTimer("abort" if committed else "commit"),
            *((each, said) for each in sorted(self.participants)),
        ]


class Participant:
    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "working"

    def on_start(self) -> list[Output]:
        return [SetTimer("prepare"), SetTimer("abort")]

    def on_timer(self, name: str) -> list[Output]:
        if name == "prepare":
            self.state = "prepared"
            return [CancelTimer("abort"), ("coordinator", Prepared(self.name))]
        self.state = "aborted"
        return [CancelTimer("prepare")]

    def on_message(self, sender: str, message: Commit | Abort) -> list[Output]:
        settled = "committed" if isinstance(message, Commit) else "aborted"
        if self.state == settled:
            return []
        self.state = settled
        return [CancelTimer("prepare"), CancelTimer("abort")]


class HastyCoordinator(Coordinator):
    """Commits when all but one are prepared."""

    def on_message(self, sender: str, message: Prepared) -> list[Output]:
        if self.state != "open":
            return []
        self.prepared.add(message.participant)
        return [SetTimer("commit")] if len(self.prepared) >= len(self.participants) - 1 else []


def states(view: Any, participants: list[str]) -> set[str]:
    return {view[name].state for name in participants}


def two_phase_commit(
    number: int, *, coordinator: type[Coordinator] = Coordinator, symmetric: bool = False
) -> Model:
    participants = [f"p{n}" for n in range(1, number + 1)]
    return Model(
        actors={
            "coordinator": coordinator(participants),
            **{name: Participant(name) for name in participants},
        },
        network=Network.REPEATING,
        free_timers=True,
        always={
            "consistent": lambda view: not states(view, participants) >= {"aborted", "committed"}
        },
        sometimes={
            "all commit": lambda view: states(view, participants) == {"committed"},
            "all abort": lambda view: states(view, participants) == {"aborted"},
        },
        symmetric=[participants] if symmetric else [],
    )
