"""What has been done and may have to be undone, and how that goes.

A scope is a saga, or the whole instance. Each step with a compensation is entered when its first
attempt is intended, that is before anything happens, and gets its place in the order when it
ends. Undoing goes from the last to the first; one that cannot be undone is *stuck* and does not
keep the others from being undone.

A saga is all or nothing, also where nobody fails around it: what it has done when it is *cut short*
is undone with the scope around it, or at the end of the instance, whichever comes first, and a
compensation that is under way just goes on. The same holds for branches that come too late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._live import Live, LiveAction, Parent

if TYPE_CHECKING:
    from collections.abc import Collection

    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._run import Run

__all__ = ["LiveUndo", "Scope", "Stuck"]


class Scope(Parent):
    """The actions that one failure undoes together."""

    done: list[tuple[int, LiveAction]]
    """What has ended, or was cut short, with its place in the order."""
    under_way: dict[str, LiveAction]
    undoing: dict[str, LiveUndo]
    """The compensations under way: one of its own, and those that sagas inside have left."""
    is_undoing: bool
    is_sorted: bool
    heir: Scope | None
    """Who has taken over what it had to undo."""
    run: Run

    def begin_noting(self) -> None:
        """Have nothing to undo yet."""
        self.done = []
        self.under_way = {}
        self.undoing = {}
        self.is_undoing = False
        self.is_sorted = True
        self.heir = None

    @property
    def now(self) -> Scope:
        """Who undoes now what is done in it."""
        scope = self
        while scope.heir is not None:
            scope = scope.heir
        return scope

    def intend(self, action: LiveAction) -> None:
        """Note that something may be done from now on."""
        self.under_way[action.address] = action

    def completed(self, action: LiveAction) -> None:
        """Note that something was done, or may have been."""
        if self.under_way.pop(action.address, None) is not None:
            self.done.append((self.run.next_number(), action))

    def nothing_done(self, action: LiveAction) -> None:
        """Note that an action has said no."""
        self.under_way.pop(action.address, None)

    def hand_over(self, outer: Scope) -> None:
        """Leave what was done, and what is being undone, to the scope around this one."""
        self.heir = outer
        outer.done.extend(self.done)
        outer.is_sorted = False
        outer.under_way.update(self.under_way)
        for undo in self.undoing.values():
            undo.undoes = outer
        outer.undoing.update(self.undoing)
        self.done, self.under_way, self.undoing = [], {}, {}
        self.is_undoing = False
        outer.undo_cut()

    def cut(self, branches: Collection[Live]) -> None:
        """Note that branches were cut short: what they did is undone whatever the end."""
        for _, action in self.done:
            action.is_cut = action.is_cut or action.is_within(branches)
        self.undo_cut()

    def undo_cut(self) -> None:
        """Undo what was cut short, if nothing else leads to that."""

    def undo_all(self) -> None:
        """Undo what is left, the last first; then ``undone`` is called."""
        self.is_undoing = True
        if self.undoing:
            return
        if not self.is_sorted:
            self.done.sort(key=lambda each: each[0])
            self.is_sorted = True
        action = self.next_to_undo()
        if action is None:
            self.is_undoing = False
            self.undone()
            return
        undo = LiveUndo(action, self)
        self.undoing[undo.address] = undo
        undo.enter(action.value)

    def next_to_undo(self) -> LiveAction | None:
        """Take out what was done last."""
        return self.done.pop()[1] if self.done else None

    def undone(self) -> None:
        """Go on when everything is undone that can be."""
        raise NotImplementedError

    def undo_ended(self, undo: LiveUndo, error: StepError | None) -> None:
        """Go on with the next one."""
        del self.undoing[undo.address]
        if error is not None:
            self.run.stuck[undo.address] = Stuck(undo, error)
            self.run.need_end()
        if self.is_undoing:
            self.undo_all()


class LiveUndo(LiveAction):
    """A compensation."""

    __slots__ = ("action", "undoes")

    # To end it would be to undo what it has undone.
    ends_within = False

    @property
    def may_recover(self) -> bool:
        return True  # what is around goes on, and this is stuck

    def __init__(self, action: LiveAction, undoes: Scope | Stuck) -> None:
        spec = action.spec.compensate
        assert spec is not None  # noqa: S101 - only such actions are noted
        super().__init__(spec, self, action.run, "", action.scope)
        self.address = f"{action.address}!undo"
        self.action = action
        self.undoes = undoes

    def child_ok(self, child: Live, value: Any) -> None:
        if child is self:
            self.undoes.undo_ended(self, None)
        else:
            super().child_ok(child, value)

    def child_failed(self, child: Live, error: StepError) -> None:
        if child is self:
            self.undoes.undo_ended(self, error)
        else:
            super().child_failed(child, error)


class Stuck:
    """A compensation that has failed for good, until an operator has dealt with it."""

    __slots__ = ("error", "undo")

    def __init__(self, undo: LiveUndo, error: StepError) -> None:
        self.undo = undo
        self.error = error

    def again(self) -> None:
        """Try it again; meanwhile it is not stuck."""
        undo = LiveUndo(self.undo.action, self)
        self.undo = undo
        undo.run.retrying += 1
        undo.enter(undo.action.value)

    def undo_ended(self, undo: LiveUndo, error: StepError | None) -> None:
        """It is done, or stuck again."""
        undo.run.retrying -= 1
        if error is not None:
            self.error = error
            undo.run.stuck[undo.address] = self
        undo.run.need_end()
