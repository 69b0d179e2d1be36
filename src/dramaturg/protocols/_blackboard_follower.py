"""One follower of a blackboard: how far it is, and what waits for it.

Theory of operation
===================

A follower is either *up to date*: each write is handed to it at once, as a topic does with its
subscribers, under the policy that it asked for. Or it is *behind*: then the board reads the
journal for it, page by page, as there is room with the follower, and other messages come in
between. It is behind when it follows from a version; when a restart of the board found it there;
and, under :class:`CatchUp`, whenever it has as many messages as it may have. ``seen`` is the
version up to which it has been told everything, so both ways meet without gap or overlap.

Credit, and what becomes of what a policy drops, are those of a topic (``_topic_subscriber``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from dramaturg.actors._errors import said
from dramaturg.actors._letters import stopped_error
from dramaturg.actors._resolve import invoke
from dramaturg.actors._signals import Internal
from dramaturg.protocols._blackboard_entry import Entry
from dramaturg.protocols._blackboard_errors import PredicateFailed
from dramaturg.protocols._blackboard_keys import fits
from dramaturg.protocols._blackboard_messages import (
    BoardChanged,
    BoardContents,
    CatchUp,
    FollowerStatus,
)
from dramaturg.protocols._outlasting import Outlasting
from dramaturg.protocols._topic_subscriber import Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dramaturg.actors import ActorRef
    from dramaturg.actors._cell import Cell
    from dramaturg.protocols._blackboard_entry import BoardChange
    from dramaturg.protocols._blackboard_messages import BoardSlowPolicy, Follow
    from dramaturg.protocols._blackboard_state import BoardState

__all__ = ["BoardMemory", "Follower", "ReadOn"]


@final
class Follower(Subscriber):
    """A follower, as its board keeps it; but for slots, used in the board's turn only."""

    __slots__ = ("changes", "policy", "seen", "where", "wishes")

    def __init__(self, follow: Follow, board: ActorRef[Any], serial: int, seen: int) -> None:
        super().__init__(follow.ref, board, serial)
        self.wishes = follow.patterns
        self.where = follow.where
        self.seen = seen
        """Up to this version it has been told everything."""
        self.changes = 0
        self.policy: BoardSlowPolicy = follow.slow
        if isinstance(follow.slow, CatchUp):
            self.window = follow.slow.limit
        else:
            self.set_policy(follow.slow)

    def chosen(self, changes: Iterable[BoardChange]) -> tuple[BoardChange, ...]:
        """Return those that it wants to be told of.

        :raises PredicateFailed: if its own function fails.
        """
        return tuple([each for each in changes if self._wants(each)])

    def contents(self, state: BoardState) -> tuple[Entry, ...]:
        """Return all entries that it wants to be told of.

        :raises PredicateFailed: if its own function fails.
        """
        found = {each.key: each for wish in self.wishes for each in state.fitting(wish)}
        return tuple([found[key] for key in sorted(found) if self._wants(found[key])])

    def _wants(self, change: BoardChange) -> bool:
        if not any(fits(each, change.key) for each in self.wishes):
            return False
        if self.where is None or not isinstance(change, Entry):
            return True
        try:
            return bool(self.where(change))
        except Exception as error:
            path, problem = self.ref.path, said(error)
            raise PredicateFailed(path=path, key=change.key, problem=problem) from error

    def has_room(self) -> bool:
        """Tell whether it may be handed something."""
        return self.window is None or (len(self.handed) < self.window and not self.waiting)

    # -- what it is told

    def begin(self, state: BoardState, entries: tuple[Entry, ...]) -> None:
        """Tell it what the board holds, whatever its policy: all else builds on that."""
        self._hand(BoardContents(self.topic, state.version, entries))
        self.seen = state.version

    def read(self, version: int, changes: tuple[BoardChange, ...]) -> None:
        """Tell it of a write that was read for it, which it has room for.

        :raises PredicateFailed: if its own function fails.
        """
        chosen = self.chosen(changes)
        if chosen:
            self._hand(self._changed(version, chosen))
        self.seen = version

    def take(self, version: int, changes: tuple[BoardChange, ...]) -> bool:
        """Tell one that is up to date of a write; return whether it may stay.

        :raises PredicateFailed: if its own function fails.
        """
        chosen = self.chosen(changes)
        if chosen and isinstance(self.policy, CatchUp) and not self.has_room():
            self.fall_behind()
            return True
        stays = not chosen or self.offer(self._item(self._changed(version, chosen)))
        self.seen = version
        return stays

    def _changed(self, version: int, chosen: tuple[BoardChange, ...]) -> BoardChanged:
        self.changes += 1
        return BoardChanged(self.topic, version, chosen, self.changes)

    def _hand(self, message: Any) -> None:
        item = self._item(message)
        self.put(item if self.window is None else self._with_slot(item))

    def _item(self, message: Any) -> Any:
        system = self.topic.cell.system
        return system.enveloped(message) if system.traces or system.taps else message

    # -- reading on

    def fall_behind(self) -> None:
        """Have the board read on for it, as soon as there is room."""
        self.behind = True
        # It may have handled what it had since we looked.
        if self.has_room():
            self.call_board()

    def call_board(self) -> None:
        """Ask the board to read on."""
        if not self.called:
            self.called = True
            self.topic.cell.post_internal(_CallBoard(self))

    def answer_call(self) -> None:
        """Go on, now that the follower has handled something."""
        super().answer_call()
        if self.behind and self.has_room():
            self.call_board()

    def status(self) -> FollowerStatus:
        """Say how far it is."""
        return FollowerStatus(
            ref=self.ref,
            patterns=self.wishes,
            seen=self.seen,
            changes=self.changes,
            dropped=self.dropped,
            waiting=len(self.waiting),
            unhandled=len(self.handed),
            slow=self.policy,
        )


@final
class ReadOn:
    """Tells a board that one of its followers has room, and is behind."""

    __slots__ = ("follower",)

    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    def __repr__(self) -> str:
        return f"ReadOn({self.follower!r})"


@final
class _CallBoard(Internal):
    __slots__ = ("_follower",)

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def handle(self, cell: Cell) -> Any:
        cell.message = ReadOn(self._follower)
        return invoke(cell, cell.message)


@final
class BoardMemory(Outlasting):
    """The followers of one board."""

    def __init__(self, owner: ActorRef[Any]) -> None:
        super().__init__(owner)
        self.followers: dict[ActorRef[Any], Follower] = {}
        self.serial = 0

    def ended(self) -> None:
        """Make dead letters of what waits."""
        error = stopped_error(self.owner.cell, "stopped before the message could be delivered")
        for follower in self.followers.values():
            follower.drop_all(error)
        self.followers = {}
