"""What has been done and may have to be undone, and how that goes.

A scope is a saga, or the whole instance. Each step with a compensation is entered when its first
attempt is intended, that is before anything happens, and gets its place in the order when it
ends. Undoing goes from the last to the first; one that cannot be undone is *stuck* and does not
keep the others from being undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dramaturg.protocols.workflows._live import Live, LiveAction, Parent

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._outcome import StepError
    from dramaturg.protocols.workflows._run import Run

__all__ = ["LiveUndo", "Scope", "Stuck"]


class Scope(Parent):
    """The actions that one failure undoes together."""

    # Those who are one have them in their own slots.
    __slots__ = ()

    done: list[tuple[int, LiveAction]]
    """What has ended, or was cut short, with its place in the order."""
    under_way: dict[str, LiveAction]
    run: Run

    def undoes(self, undo: LiveUndo | None) -> None:
        """Remember which compensation is under way."""
        raise NotImplementedError

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
        """Leave what was done to the scope around this one."""
        outer.done.extend(self.done)
        outer.under_way.update(self.under_way)
        for action in self.under_way.values():
            action.scope = outer
        self.done.clear()
        self.under_way.clear()

    def undo_all(self) -> None:
        """Undo what is left, the last first; then ``undone`` is called."""
        if not self.done:
            self.undoes(None)
            self.undone()
            return
        self.done.sort(key=lambda each: each[0])
        _, action = self.done.pop()
        undo = LiveUndo(action, self)
        self.undoes(undo)
        undo.enter(action.value)

    def undone(self) -> None:
        """Go on when everything is undone that can be."""
        raise NotImplementedError

    def undo_ended(self, undo: LiveUndo, error: StepError | None) -> None:
        """Go on with the next one."""
        if error is not None:
            self.run.stuck[undo.address] = Stuck(undo, error)
        self.undo_all()


class LiveUndo(LiveAction):
    """A compensation."""

    __slots__ = ("action", "undoes")

    def __init__(self, action: LiveAction, undoes: Scope | Stuck) -> None:
        spec = action.spec.compensate
        assert spec is not None  # noqa: S101 - only such actions are noted
        super().__init__(spec, self, action.run, "", action.scope)
        self.address = f"{action.address}!undo"
        self.action = action
        self.undoes = undoes

    def leave(self) -> None:
        super().leave()

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
        """Try it again."""
        undo = LiveUndo(self.undo.action, self)
        self.undo = undo
        undo.enter(undo.action.value)

    def undo_ended(self, undo: LiveUndo, error: StepError | None) -> None:
        """It is done, or stuck again."""
        if error is None:
            del undo.run.stuck[undo.address]
        else:
            self.error = error
        undo.run.need_end()
