"""Writers and followers of a blackboard, a journal that fails, and what must have come of it."""

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

from dramaturg.actors import (
    Actor,
    ActorRef,
    DeadLetterReason,
    Directive,
    DramaturgError,
    Props,
    handler,
)
from dramaturg.actors.journal import Append, JournalUnavailable, MemoryJournal
from dramaturg.protocols import (
    Blackboard,
    BoardChange,
    BoardChanged,
    BoardContents,
    Entry,
    Follow,
    GetFollowers,
    Put,
    PutAll,
)
from dramaturg.protocols._blackboard_keys import fits
from dramaturg.protocols._blackboard_state import BoardState
from dramaturg.protocols.testing import Simulation, SystemView
from tests.simulated.topic_kit import Go, Lamp


class FailsOnce(MemoryJournal):
    """Fails at one append, which is there all the same, or is not."""

    def __init__(self, at: int, *, keeps: bool) -> None:
        super().__init__()
        self.at = at
        self.keeps = keeps
        self.appends = 0

    def append(self, order: Append) -> Awaitable[None]:
        self.appends += 1
        if self.appends != self.at:
            return super().append(order)
        return self._fail(super().append(order) if self.keeps else None)

    async def _fail(self, append: Awaitable[None] | None) -> None:
        if append is not None:
            await append
        raise JournalUnavailable(journal=self.name, problem="failing", detail="for once")


class Board(Blackboard):
    policy = Directive.RESTART
    snapshot_every = 2


class Forgetful(Board):
    """Keeps no event that a snapshot contains."""

    keep_snapshots = 1
    delete_events = True


@dataclass
class Books:
    """What was acknowledged, and what each follower has heard."""

    sim: Simulation
    acknowledged: list[Entry] = field(default_factory=list[Entry])
    heard: dict[str, "Heard"] = field(default_factory=dict[str, "Heard"])
    wrong: list[str] = field(default_factory=list[str])
    board: ActorRef[Any] | None = None
    forgetful: bool = False

    def __post_init__(self) -> None:
        self.sim.always(lambda view: not self.wrong, "nobody hears what is wrong")
        self.sim.at_rest(self.complete, "everybody has heard everything")

    def written(self) -> list[tuple[BoardChange, ...]]:
        """Return what the journal holds, by version."""
        board = self.board
        assert board is not None
        journal: Any = self.sim.system.journal
        decode = self.sim.system.journal_codec(board.actor_class.types).decode
        events = journal.store.shelves[board.path].events
        stored: list[Any] = [decode(each.payload, object) for each in events]
        return [each.changes(number) for number, each in enumerate(stored, 1)]

    def missed(self, name: str) -> set[int]:
        """Return the versions that a crash of the board has hit as it told of them; 0 is all."""
        letters = self.sim.system.dead_letters.list(target=f"/{name}")
        assert {each.reason for each in letters} <= {DeadLetterReason.UNROUTABLE}, letters
        return {
            0 if isinstance(each.message, BoardContents) else each.message.version
            for each in letters
        }

    def complete(self, view: SystemView) -> None:
        assert self.board is not None
        board: Any = self.board.cell.actor
        state: BoardState = board.state
        for heard in self.heard.values():
            if self.missed(heard.name):
                continue
            there = {
                entry.key: entry for entry in state.fitting("**") if fits(heard.pattern, entry.key)
            }
            assert heard.entries == there, f"{heard.name}: {heard.entries} is not {there}"
        if self.forgetful:
            return
        written = self.written()
        for entry in self.acknowledged:
            assert entry in written[entry.version - 1], f"{entry} is lost"
        for heard in self.heard.values():
            chosen = [
                (number, tuple(each for each in changes if fits(heard.pattern, each.key)))
                for number, changes in enumerate(written, 1)
            ]
            missed = self.missed(heard.name)
            if 0 in missed:
                continue
            expected = [
                each
                for each in chosen
                if each[1] and each[0] > heard.since and each[0] not in missed
            ]
            assert heard.changes == expected, f"{heard.name}: {heard.changes} is not {expected}"


class Heard:
    """What one follower has heard."""

    def __init__(self, books: Books, name: str, pattern: str) -> None:
        self.books = books
        self.name = name
        self.pattern = pattern
        self.since = 0
        self.version = 0
        self.entries: dict[str, Entry] = {}
        self.changes: list[tuple[int, tuple[BoardChange, ...]]] = []

    def contents(self, message: BoardContents) -> None:
        if message.version < self.version:
            self.books.wrong.append(f"{self.name} goes back to {message.version}")
        self.since = self.version = message.version
        self.entries = {each.key: each for each in message.entries}
        self.changes = []

    def changed(self, message: BoardChanged) -> None:
        if message.version <= self.version:
            self.books.wrong.append(f"{self.name} hears {message.version} after {self.version}")
        self.version = message.version
        self.changes.append((message.version, message.changes))
        for change in message.changes:
            if isinstance(change, Entry):
                self.entries[change.key] = change
            else:
                self.entries.pop(change.key, None)


class Listener(Actor):
    """Hears at once."""

    def __init__(self, books: Books, pattern: str) -> None:
        name = self.context.name
        self.heard = books.heard.setdefault(name, Heard(books, name, pattern))

    @handler
    def contents(self, message: BoardContents) -> Any:
        self.heard.contents(message)

    @handler
    def changed(self, message: BoardChanged) -> Any:
        self.heard.changed(message)


class SlowListener(Listener):
    """Takes its time: as long as its lamp does, which may be any."""

    def __init__(self, books: Books, pattern: str) -> None:
        super().__init__(books, pattern)
        self.lamp = self.context.spawn(Lamp, name="lamp")

    @handler
    async def contents(self, message: BoardContents) -> None:
        self.heard.contents(message)
        await self.lamp.request(Go(), timeout=1_000)

    @handler
    async def changed(self, message: BoardChanged) -> None:
        self.heard.changed(message)
        await self.lamp.request(Go(), timeout=1_000)


class Writer(Actor):
    """Asks for its writes, one after the other, and notes which it knows to be there."""

    def __init__(self, books: Books, board: ActorRef[Any], *writes: Any) -> None:
        self.books = books
        self.board = board
        self.writes = writes

    @handler
    async def go(self, message: Go) -> None:
        for write in self.writes:
            try:
                answer = await self.board.request(write, timeout=1_000)
            except DramaturgError:  # nobody knows whether it is there
                continue
            if isinstance(write, Put):
                self.books.acknowledged.append(answer)
            elif isinstance(write, PutAll):
                self.books.acknowledged.extend(answer)


class Follows(Actor):
    """Sees to it that somebody follows, whatever becomes of the board."""

    def __init__(self, board: ActorRef[Any], follow: Follow) -> None:
        self.board = board
        self.follow = follow

    @handler
    async def go(self, message: Go) -> None:
        for _ in range(9):
            try:
                there = await self.board.request(GetFollowers(), timeout=1_000)
                if self.follow.ref in [each.ref for each in there]:
                    return
                await self.board.request(self.follow, timeout=1_000)
            except DramaturgError:  # nobody knows whether it follows
                continue
            return


def opened(
    sim: Simulation, journal: MemoryJournal, board: type[Board] = Board
) -> tuple[Books, ActorRef[Any]]:
    """Start a board on a journal."""
    sim.system.journal = journal
    journal.open()
    books = Books(sim, forgetful=board is Forgetful)
    books.board = sim.system.spawn(board, name="board")
    return books, books.board


def follow(sim: Simulation, books: Books, name: str, cls: type[Listener], **options: Any) -> None:
    """Let somebody follow."""
    assert books.board is not None
    pattern = options.pop("pattern", "**")
    ref = sim.system.spawn(Props(cls, books, pattern), name=name)
    wish = Follow(ref, pattern, **options)
    sim.system.spawn(Props(Follows, books.board, wish), name=f"for-{name}").tell(Go())


def write(sim: Simulation, books: Books, name: str, *writes: Any) -> None:
    """Let somebody write."""
    assert books.board is not None
    sim.system.spawn(Props(Writer, books, books.board, *writes), name=name).tell(Go())
