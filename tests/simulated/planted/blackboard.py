"""Bugs in blackboards: writes that are lost, and followers that hear too little or too much."""

from typing import Any

from dramaturg.actors import ActorRef
from dramaturg.protocols import (
    Blackboard,
    CatchUp,
    CompareAndSet,
    Deletion,
    Entry,
    Put,
    _blackboard,
)
from dramaturg.protocols._blackboard_entry import BoardChange
from dramaturg.protocols._blackboard_follower import Follower, _CallBoard
from dramaturg.protocols._blackboard_state import BoardState
from dramaturg.protocols._outlasting import Outlasting, remembered
from tests.simulated.planted.plant import Bug, function, handling, method


def _forgets_who_follows(found: Any) -> Any:
    def buggy(cell: Any, kind: type[Outlasting]) -> Outlasting:
        ref: ActorRef[Any] = cell.ref
        return kind(ref)

    return buggy


def _reads_nothing_on(fall_behind: Any) -> Any:
    def buggy(self: Follower) -> None:
        self.seen = self.topic.cell.actor.sequence  # type: ignore[union-attr]

    return buggy


def _calls_nobody(answer: Any) -> Any:
    def buggy(self: Follower) -> None:
        self.called = False

    return buggy


def _reads_on_once(handle: Any) -> Any:
    def buggy(self: _CallBoard, cell: Any) -> Any:
        answer = handle(self, cell)
        self._follower.behind = False
        return answer

    return buggy


def _skips_what_there_is_no_room_for(take: Any) -> Any:
    def buggy(self: Follower, version: int, changes: tuple[BoardChange, ...]) -> bool:
        if isinstance(self.policy, CatchUp) and not self.has_room():
            self.seen = version
            return True
        return bool(take(self, version, changes))

    return buggy


def _tells_one_that_is_behind(take: Any) -> Any:
    def buggy(self: Follower, version: int, changes: tuple[BoardChange, ...]) -> bool:
        stays = bool(take(self, version, changes))
        if not self.behind:
            self.seen = version - 1
        return stays

    return buggy


def _tells_no_deletions(chosen: Any) -> Any:
    def buggy(self: Follower, changes: Any) -> Any:
        return chosen(self, [each for each in changes if not isinstance(each, Deletion)])

    return buggy


def _tells_one_of_several(chosen: Any) -> Any:
    def buggy(self: Follower, changes: Any) -> Any:
        return chosen(self, changes)[:1]

    return buggy


def _holds_back_what_there_is(contents: Any) -> Any:
    def buggy(self: Follower, state: BoardState) -> tuple[Entry, ...]:
        return tuple(contents(self, state)[1:])

    return buggy


def _compares_nothing(handle: Any) -> Any:
    async def buggy(board: Blackboard, message: CompareAndSet) -> Entry:
        return await board.put(Put(message.key, message.value))

    return buggy


def _expects_nothing(check: Any) -> Any:
    def buggy(write: Any, current: Entry | None) -> None:
        """Let every version be the expected one."""

    return buggy


def _tells_before_it_is_stored(write: Any) -> Any:
    async def buggy(self: Blackboard, event: Any) -> None:
        changes = event.changes(self.sequence + 1)
        for follower in self._memory.followers.values():
            if not follower.behind:
                follower.take(self.sequence + 1, changes)
        await self.persist(event)

    return buggy


FOLLOWED, LOST, KEPT = "blackboard/followed", "blackboard/write 3 lost", "blackboard/write 3 kept"
BUGS = (
    Bug("blackboard/a restart forgets who follows", KEPT,
        function(remembered, _forgets_who_follows)),
    Bug("blackboard/a restart tells nothing of what was missed", KEPT,
        method(Follower, "fall_behind", _reads_nothing_on)),
    Bug("blackboard/room calls nobody", FOLLOWED, method(Follower, "answer_call", _calls_nobody)),
    Bug("blackboard/one page is read", FOLLOWED, method(_CallBoard, "handle", _reads_on_once)),
    Bug("blackboard/no room is a gap", FOLLOWED,
        method(Follower, "take", _skips_what_there_is_no_room_for)),
    Bug("blackboard/what was told is told again", KEPT,
        method(Follower, "take", _tells_one_that_is_behind)),
    Bug("blackboard/deletions are not told", FOLLOWED,
        method(Follower, "chosen", _tells_no_deletions)),
    Bug("blackboard/a write of several is told in part", FOLLOWED,
        method(Follower, "chosen", _tells_one_of_several)),
    Bug("blackboard/some of what there is is held back", FOLLOWED,
        method(Follower, "contents", _holds_back_what_there_is)),
    Bug("blackboard/values are not compared", "blackboard/counted by value",
        handling(Blackboard, CompareAndSet, _compares_nothing)),
    Bug("blackboard/versions are not compared", "blackboard/counted by version",
        function(_blackboard._check_expected, _expects_nothing)),
    Bug("blackboard/told before it is stored", LOST,
        method(Blackboard, "_write", _tells_before_it_is_stored)),
)  # fmt: skip
