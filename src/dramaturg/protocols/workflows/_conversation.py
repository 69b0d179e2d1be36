"""What the participants of a workflow that are actors see of one instance, as a protocol.

The coordinator asks, and goes on, tries again or undoes; that is for it alone to choose, so behind
each answer stands a choice of what it may ask next. Functions, pauses and events from outside
send nothing, so they are not there.

What is cut short may still be answered, when the coordinator has gone on long ago; and answers to
requests that are under way at the same time with one participant are told apart by nothing but
their keys. An order cannot say either, so steps that do such things have none, and say so.
"""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any, TypeGuard, Union, get_args, get_origin

from dramaturg.actors import Request
from dramaturg.protocols._order import (
    NOTHING,
    Choice,
    Order,
    Parallel,
    Repeat,
    Sequence as Then,
    choice,
    parallel,
    repeat,
    sequence,
)
from dramaturg.protocols._protocol import Protocol
from dramaturg.protocols._protocol_errors import ProtocolError
from dramaturg.protocols._role import Role
from dramaturg.protocols.workflows._participant import Ask
from dramaturg.protocols.workflows._step import (
    Action,
    Branch,
    FanOut,
    ForEach,
    Loop,
    Options,
    Saga,
    Sequence,
    Step,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["conversation"]

COORDINATOR = "coordinator"


def conversation(name: str, root: Step, *, ordered: bool) -> Protocol:
    """Declare what goes between a coordinator and the actors that its steps ask.

    :raises ProtocolError: see :meth:`Workflow.protocol`.
    """
    cast = _Cast(root)
    if not cast.roles:
        raise ProtocolError(
            part=f"workflow {name}", problem="none of its steps asks an actor: there is no order"
        )
    if ordered:
        order = cast.whole(root)
        about = f"What one instance of {name} asks its participants, in which order."
    else:
        order = cast.unordered()
        about = f"What one instance of {name} may ask its participants, in whatever order."
    roles = (cast.coordinator, *cast.roles.values())
    return Protocol(re.sub(r"\W", "_", name), roles=roles, order=order, about=about)


class _Cast:
    """The roles of a workflow, and the orders of its steps."""

    def __init__(self, root: Step) -> None:
        self.coordinator = Role(COORDINATOR, serves=True)
        self.roles: dict[str, Role] = {}
        self._asking = [each for each in root.walk() if _asks(each)]
        taken = {COORDINATOR}
        for each in self._asking:
            path = each.participant.label
            if path not in self.roles:
                self.roles[path] = Role(_free(_identifier(path), taken), serves=True)

    # -- in any order ----------------------------------------------------------------------

    def unordered(self) -> Order:
        """Say who may ask whom for what, and be answered what."""
        asked: dict[Role, dict[Order, None]] = {}
        answered: dict[Role, dict[Order, None]] = {}
        for each in self._asking:
            role, ask, replies, error = self._exchange(each)
            asked.setdefault(role, {})[ask] = None
            answered.setdefault(role, {}).update(dict.fromkeys((*replies, error)))
        strands = [*asked.values(), *answered.values()]
        return parallel(*(repeat(choice(*sends)) for sends in strands))

    # -- in their order --------------------------------------------------------------------

    def whole(self, root: Step) -> Order:
        """Say what is sent until an instance is over, and all that has to be is undone."""
        steps = list(_flat(root))
        last = sequence(*(self._doubtful(each, absorbed=False) for each in reversed(steps)))
        return self._follow(steps, NOTHING, last)

    def _scope(self, steps: Iterable[Step]) -> Order:
        """Do steps, and undo them if one fails."""
        return self._follow(list(steps), NOTHING, NOTHING)

    def _follow(self, steps: list[Step], undo: Order, last: Order) -> Order:
        """Do what is left of a scope.

        :param undo: what there is to undo so far.
        :param last: what comes behind the last step.
        """
        if not steps:
            return last
        step, *left = steps
        may_have = sequence(_perhaps(self._undo(step)), undo)
        rest = self._follow(left, sequence(self._undo(step), undo), last)
        failed = may_have if _may_fail_late(step) else undo
        if _is_plain(step):
            assert isinstance(step, Action)  # noqa: S101 - it asks
            _, ask, replies, error = self._exchange(step)
            # Only here an answer decides: tried again, both may come before either.
            done = sequence(choice(*replies), rest)
            return _any_of([sequence(ask, choice(done, sequence(error, failed))), undo])
        return _any_of([sequence(self._sent(step), _any_of([rest, failed])), undo])

    def _sent(self, step: Step) -> Order:
        """Say what a step sends, whatever comes of it."""
        options = step.options
        if options.timeout is not None:
            raise _unsayable(step, "its timeout cuts requests short that may still be answered")
        sent = self._plainly(step)
        recover = options.on_error
        if recover is not None:
            # It may fail before it has asked anybody, and is recovered all the same.
            behind = NOTHING if recover.step is None else _perhaps(self._sent(recover.step))
            sent = sequence(_perhaps(sent), behind)
        return sent if options.when is None else _perhaps(sent)

    def _plainly(self, step: Step) -> Order:  # noqa: PLR0911 - one for each kind
        match step:
            case Action():
                return self._attempts(step) if _asks(step) else NOTHING
            case Saga(steps=steps):
                return self._scope(steps)
            case Sequence(steps=(first, *others)):
                order = self._sent(step.steps[-1])
                for each in reversed((first, *others[:-1]) if others else ()):
                    order = sequence(self._sent(each), _perhaps(order))
                return order
            case Branch() | Switch():
                return _any_of([NOTHING, *map(self._sent, step.inside)])
            case Loop(body=body, at_most=most):
                return self._rounds(step, self._sent(body), most)
            case ForEach(body=body):
                return self._for_each(step, self._sent(body))
            case FanOut():
                if step.join.name != "all" or step.late is not None:
                    raise _unsayable(step, "it cuts branches short that may still be answered")
                return parallel(*(_perhaps(self._sent(each)) for each in step.branches.values()))
            case _:
                return NOTHING

    def _attempts(self, step: Action) -> Order:
        """Ask, and ask again when it fails."""
        _, ask, replies, error = self._exchange(step)
        once = sequence(ask, choice(*replies, error))
        most = step.retry.attempts
        return once if most == 1 else repeat(once, 1, most)

    def _rounds(self, step: Step, body: Order, most: int | None) -> Order:
        if body == NOTHING:
            return NOTHING
        if _may_be_nothing(body):
            raise _unsayable(step, "a round of it may ask nobody")
        return repeat(body, 1, most)

    def _for_each(self, step: ForEach, body: Order) -> Order:
        if body != NOTHING and (step.limit != 1 or step.join.name != "all"):
            raise _unsayable(step, "it asks for several items at once")
        return _perhaps(self._rounds(step, body, None))

    def _undo(self, step: Step) -> Order:
        """Say what undoes a step, of which each part may have been done."""
        match step:
            case Action(compensate=undo):
                found = NOTHING if undo is None else self._sent(undo)
            case Loop() | ForEach():
                body = _certain(self._undo(step.inside[0]))
                found = _perhaps(self._rounds(step, body, None))
            case FanOut():
                found = parallel(*(_perhaps(self._undo(each)) for each in step.branches.values()))
            case Branch() | Switch():
                found = _any_of([NOTHING, *map(self._undo, step.inside)])
            case _:
                found = sequence(*(_perhaps(self._undo(each)) for each in reversed(step.inside)))
        recover = step.options.on_error
        if recover is not None and recover.step is not None:
            found = sequence(_perhaps(self._undo(recover.step)), found)
        certain = step.options.when is None and recover is None
        return found if certain else _perhaps(found)

    def _doubtful(self, step: Step, *, absorbed: bool) -> Order:
        """Say what undoes, at the end of all, those of a step whose failure nobody minded.

        :param absorbed: whether all goes on when this step has failed.
        """
        recover, outside = step.options.on_error, absorbed
        absorbed = absorbed or recover is not None
        match step:
            case Action(compensate=undo):
                found = self._sent(undo) if undo is not None and absorbed else NOTHING
            case Loop() | ForEach():
                body = _certain(self._doubtful(step.inside[0], absorbed=absorbed))
                found = self._rounds(step, body, None)
            case FanOut(branches=branches, optional=optional):
                inner = (
                    self._doubtful(each, absorbed=absorbed or name in optional)
                    for name, each in branches.items()
                )
                found = parallel(*inner)
            case Branch() | Switch():
                found = _any_of([self._doubtful(each, absorbed=absorbed) for each in step.inside])
            case _:
                # What a saga that fails has done it undoes itself.
                absorbed = absorbed and not isinstance(step, Saga)
                inside = reversed(step.inside)
                found = sequence(*(self._doubtful(each, absorbed=absorbed) for each in inside))
        if recover is not None and recover.step is not None:
            found = sequence(self._doubtful(recover.step, absorbed=outside), found)
        return _perhaps(found)

    # -- one exchange ----------------------------------------------------------------------

    def _exchange(self, action: Action) -> tuple[Role, Order, list[Order], Order]:
        """Return who is asked, what, and what may be the answer."""
        participant, me = action.participant, self.coordinator
        assert isinstance(participant, Ask)  # noqa: S101 - no other is in the cast
        role = self.roles[participant.label]
        replies: list[Order] = [role >> me @ each for each in _classes(participant.gives)]
        ask = me >> role @ (participant.asks or Request)
        return role, ask, replies, role >> me @ Exception


def _asks(step: Step) -> TypeGuard[Action]:
    return isinstance(step, Action) and isinstance(step.participant, Ask)


def _is_plain(step: Step) -> bool:
    """Tell whether a step asks once, and its answer decides."""
    return _asks(step) and step.retry.attempts == 1 and step.options == Options()


def _may_fail_late(step: Step) -> bool:
    """Tell whether a step that failed may have done something."""
    return not (isinstance(step, Action) and step.compensate is None)


def _flat(step: Step) -> Iterator[Step]:
    """Go through the steps of a sequence, and of those within that are undone with it."""
    if isinstance(step, Sequence) and step.options == Options():
        for each in step.steps:
            yield from (each,) if isinstance(each, Saga) else _flat(each)
    else:
        yield step


# -- orders ----------------------------------------------------------------------------------


def _any_of(orders: Iterable[Order]) -> Order:
    found = [each for one in orders for each in (one.parts if isinstance(one, Choice) else (one,))]
    return choice(*dict.fromkeys(found))


def _perhaps(order: Order) -> Order:
    return _any_of([order, NOTHING])


def _certain(order: Order) -> Order:
    """Take away that it may be nothing, where that stands outermost."""
    if isinstance(order, Choice) and NOTHING in order.branches:
        return _any_of([each for each in order.branches if each != NOTHING])
    return order


def _may_be_nothing(order: Order) -> bool:
    match order:
        case Choice(branches=branches):
            return any(map(_may_be_nothing, branches))
        case Then() | Parallel():
            return all(map(_may_be_nothing, order.parts))
        case Repeat(body=body, at_least=least):
            return not least or _may_be_nothing(body)
        case _:
            return order == NOTHING


# -- names and types -------------------------------------------------------------------------


def _unsayable(step: Step, why: str) -> ProtocolError:
    return ProtocolError(
        part=f"{step.kind} {step.name!r}", problem=f"{why}; declare it with ordered=False"
    )


def _identifier(path: str) -> str:
    name = re.sub(r"\W+", "_", path).strip("_")
    return name if name.isidentifier() else f"at_{name}"


def _free(name: str, taken: set[str]) -> str:
    """Return a name that nobody else has."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def _classes(annotation: Any) -> list[type]:
    """Return the classes of what is annotated so; of what is not, any."""
    if annotation is None or annotation is type(None):
        return [type(None)] if annotation is not None else [object]
    if get_origin(annotation) in (Union, types.UnionType):
        found = [cls for each in get_args(annotation) for cls in _classes(each)]
        return [object] if object in found else list(dict.fromkeys(found))
    cls = get_origin(annotation) or annotation
    return [cls] if isinstance(cls, type) else [object]
