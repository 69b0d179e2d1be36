"""A register on several servers, after Attiya, Bar-Noy and Dolev.

Each operation asks a majority for the latest value, and then has a majority record it, or the
new one under a later sequence number.
"""

from dataclasses import dataclass, field

from dramaturg.protocols.testing._explorer_model import Model
from dramaturg.protocols.testing._outputs import Output
from tests.protocols.testing.classics.register import Get, Got, Put, PutDone, register

Sequence = tuple[int, str]


@dataclass(frozen=True)
class Query:
    request: int


@dataclass(frozen=True)
class Latest:
    request: int
    sequence: Sequence
    value: str | None


@dataclass(frozen=True)
class Record:
    request: int
    sequence: Sequence
    value: str | None


@dataclass(frozen=True)
class Recorded:
    request: int


@dataclass
class Asking:
    request: int
    client: str
    written: str | None
    answers: dict[str, tuple[Sequence, str | None]]


@dataclass
class Recording:
    request: int
    client: str
    written: str | None
    read: str | None
    recorded: set[str] = field(default_factory=set[str])


class Server:
    def __init__(self, name: str, peers: list[str]) -> None:
        self.name = name
        self.peers = peers
        self.sequence: Sequence = (0, name)
        self.value: str | None = None
        self.phase: Asking | Recording | None = None

    @property
    def majority(self) -> int:
        return (len(self.peers) + 1) // 2 + 1

    def on_message(self, sender: str, message: object) -> list[Output]:
        match message:
            case Put() | Get() if self.phase is None:
                written = message.value if isinstance(message, Put) else None
                answers = {self.name: (self.sequence, self.value)}
                self.phase = Asking(message.request, sender, written, answers)
                return [(peer, Query(message.request)) for peer in self.peers]
            case Query(request):
                return [(sender, Latest(request, self.sequence, self.value))]
            case Latest(request, sequence, value):
                if isinstance(self.phase, Asking) and self.phase.request == request:
                    self.phase.answers[sender] = (sequence, value)
                    if len(self.phase.answers) == self.majority:
                        return self.record(self.phase)
            case Record(request, sequence, value):
                self.keep(sequence, value)
                return [(sender, Recorded(request))]
            case Recorded(request):
                if isinstance(self.phase, Recording) and self.phase.request == request:
                    self.phase.recorded.add(sender)
                    if len(self.phase.recorded) == self.majority:
                        return self.answer(self.phase)
            case _:
                pass
        return []

    def record(self, asking: Asking) -> list[Output]:
        sequence, value = max(asking.answers.values(), key=lambda answer: answer[0])
        read = value
        if asking.written is not None:
            sequence, value, read = (sequence[0] + 1, self.name), asking.written, None
        self.keep(sequence, value)
        self.phase = Recording(asking.request, asking.client, asking.written, read, {self.name})
        return [(peer, Record(asking.request, sequence, value)) for peer in self.peers]

    def answer(self, recording: Recording) -> list[Output]:
        self.phase = None
        if recording.written is not None:
            return [(recording.client, PutDone(recording.request))]
        return [(recording.client, Got(recording.request, recording.read))]

    def keep(self, sequence: Sequence, value: str | None) -> None:
        if sequence > self.sequence:
            self.sequence, self.value = sequence, value


def abd(servers: int = 2) -> Model:
    names = [f"server{n}" for n in range(servers)]
    return register(
        {name: Server(name, [each for each in names if each != name]) for name in names}
    )
