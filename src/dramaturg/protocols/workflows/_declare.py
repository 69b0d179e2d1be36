"""The functions with which steps are declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from dramaturg.protocols.workflows import _declare_checks as check
from dramaturg.protocols.workflows._errors import (
    WorkflowDefinitionError,
    WorkflowFailed,
    shown,
)
from dramaturg.protocols.workflows._participant import is_participant, participant
from dramaturg.protocols.workflows._retry import NO_RETRY, Retry
from dramaturg.protocols.workflows._step import (
    Action,
    Branch,
    FanOut,
    ForEach,
    Loop,
    Options,
    Pause,
    Recover,
    Saga,
    Sequence,
    Step,
    Switch,
    WaitFor,
)
from dramaturg.supervision import Backoff

if TYPE_CHECKING:
    from dramaturg.protocols.workflows._joins import Join
    from dramaturg.protocols.workflows._step import Function, Who

__all__ = [
    "branch",
    "fan_out",
    "for_each",
    "loop",
    "pause",
    "recover",
    "saga",
    "sequence",
    "step",
    "switch",
    "wait_for",
]

UNDO_RETRY = Retry(attempts=10, backoff=Backoff(0.2, 30.0, jitter=0.2))
"""How often a compensation is tried that says nothing of it, before it is stuck."""
UNDO_WITHIN_RETRY = replace(UNDO_RETRY, fatal=(*UNDO_RETRY.fatal, WorkflowFailed))
"""The same of a workflow within, which tries its own compensations itself."""


def step(
    name: str,
    participant_: Who,
    *,
    timeout: float | None = None,
    retry: Retry | None = None,
    on_error: Recover | Step | Who | None = None,
    compensate: Action | Who | None = None,
    when: Function | None = None,
) -> Action:
    """Make a step that somebody does.

    :param name: its own in the whole workflow.
    :param participant_: an async function of the value (and of a :class:`Call`, if it takes two
        parameters); :func:`ask` of an actor; an actor's ref, or its path, which is sent the
        value; a workflow.
    :param timeout: seconds for one attempt.
    :param retry: default: one attempt.
    :param on_error: what it gives instead when it has failed: :func:`recover` of a value, a
        function of the :class:`StepError`, or a step.
    :param compensate: what undoes it, a participant or a step: called with the value that this
        step was given, and a call that holds its key and its result. Default retry: ten times.
        A workflow that is a step is undone by its own compensations, if nothing else is said.
    :param when: a function of the value; where it does not hold the step is passed over, and
        its value handed on.
    :raises WorkflowDefinitionError: for anything else.
    """
    thing = f"step {name!r}"
    if isinstance(participant_, Step):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has the step {participant_.name!r} as its participant",
            expected="sequence(...) around steps",
        )
    tries = NO_RETRY if retry is None else check.retry(thing, retry)
    who = participant(thing, participant_)
    # A workflow knows how it is undone.
    own = getattr(who, "undo", None)
    undo: Action | None = None
    if compensate is not None:
        undo = _undo(name, compensate)
    elif own is not None:
        undo = step(f"undo {name}", own, retry=UNDO_WITHIN_RETRY)
    return Action(
        name=check.named(name),
        options=_options(name, when, timeout, on_error),
        participant=who,
        retry=tries,
        compensate=undo,
    )


def recover(value: Any) -> Recover:
    """Give this value where a step has failed: ``on_error=recover(None)``."""
    return Recover(value=value)


def sequence(
    *steps: Step,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
    when: Function | None = None,
) -> Sequence:
    """Do one step after the other, each with the result of the one before.

    :raises WorkflowDefinitionError: without steps, or for something that is no step.
    """
    named = check.named(name or check.made("sequence", steps))
    options = _options(named, when, timeout, on_error)
    return Sequence(name=named, options=options, steps=check.steps(f"sequence {named!r}", steps))


def saga(
    *steps: Step,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
    when: Function | None = None,
) -> Saga:
    """Do one step after the other; when one fails undo those before, the last first.

    What is undone is each step with a ``compensate`` within, at any depth, in the reverse order
    of completion; one that has failed otherwise than by a declared no, or was cut short, may have
    had its effect, and is undone, too. Then the saga has failed, and its ``on_error`` or what is
    around it goes on. Once it has succeeded its steps are undone with those of the saga or the
    workflow around it.

    :raises WorkflowDefinitionError: without steps, or for something that is no step.
    """
    named = check.named(name or check.made("saga", steps))
    options = _options(named, when, timeout, on_error)
    return Saga(name=named, options=options, steps=check.steps(f"saga {named!r}", steps))


def branch(
    condition: Function,
    then: Step,
    otherwise: Step | None = None,
    *,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
) -> Branch:
    """Do one of two steps; without the second the value is handed on.

    :param condition: a function of the value (and of a call); asked once, and remembered.
    :raises WorkflowDefinitionError: for anything else.
    """
    thing = f"branch {name!r}" if name else "branch"
    check.asks(thing, condition)
    (then,) = check.steps(thing, (then,))
    if otherwise is not None:
        (otherwise,) = check.steps(thing, (otherwise,))
    named = check.named(name or check.made("branch", (then,)))
    options = _options(named, None, timeout, on_error)
    return Branch(name=named, options=options, condition=condition, then=then, otherwise=otherwise)


def switch(
    key: Function,
    cases: Mapping[Any, Step],
    default: Step | None = None,
    *,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
) -> Switch:
    """Do the step that belongs to a key.

    :param key: a function of the value (and of a call); asked once, and remembered.
    :param default: for other keys; without it these fail.
    :raises WorkflowDefinitionError: for anything else.
    """
    thing = f"switch {name!r}" if name else "switch"
    check.asks(thing, key)
    if not isinstance(cast("object", cases), Mapping) or not cases:
        raise WorkflowDefinitionError(
            thing=thing, problem=f"has the cases {cases!r}", expected="a dict of steps by key"
        )
    steps = check.steps(thing, tuple(cases.values()))
    if default is not None:
        (default,) = check.steps(thing, (default,))
    named = check.named(name or check.made("switch", steps))
    options = _options(named, None, timeout, on_error)
    return Switch(name=named, options=options, key=key, cases=dict(cases), default=default)


def loop(
    body: Step,
    *,
    until: Function,
    at_most: int,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
    when: Function | None = None,
) -> Loop:
    """Do a step again and again, each time with its last result, until a condition holds.

    :param until: a function of the result (and of a call).
    :param at_most: so many times; then it fails.
    :raises WorkflowDefinitionError: for a loop without a bound, or anything else that is wrong.
    """
    thing = f"loop {name!r}" if name else "loop"
    check.asks(thing, until)
    (body,) = check.steps(thing, (body,))
    named = check.named(name or check.made("loop", (body,)))
    most = check.count(thing, "at_most", at_most)
    options = _options(named, when, timeout, on_error)
    return Loop(name=named, options=options, body=body, until=until, at_most=most)


def for_each(
    items: Function,
    body: Step,
    *,
    limit: int | None = None,
    join: Join | None = None,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
    when: Function | None = None,
) -> ForEach:
    """Do a step for each item of a collection; gives the list of results, in order.

    :param items: a function of the value that returns the items; asked once, and remembered.
    :param limit: at most so many at once; None: all.
    :param join: when it is over; with another rule than all, items without a result give None.
    :raises WorkflowDefinitionError: for anything else.
    """
    thing = f"for_each {name!r}" if name else "for_each"
    check.asks(thing, items)
    (body,) = check.steps(thing, (body,))
    named = check.named(name or check.made("for_each", (body,)))
    if limit is not None:
        check.count(thing, "limit", limit)
    options = _options(named, when, timeout, on_error)
    rule = check.join(thing, join)
    return ForEach(name=named, options=options, items=items, body=body, limit=limit, join=rule)


def fan_out(
    required: Mapping[str, Step] | None = None,
    *,
    optional: Mapping[str, Step] | None = None,
    join: Join | None = None,
    late: Step | Who | None = None,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
    when: Function | None = None,
) -> FanOut:
    """Do several steps at once, each with the same value; gives their :class:`Outcomes`.

    Branches know nothing of each other: one that fails stops no other. An optional one may fail,
    and its error is in the outcomes.

    :param join: when it is over; default :func:`all_of`.
    :param late: what becomes of branches that still run then. None: they are cut short, and
        what they have done is undone, at the latest when the instance ends. "keep": they go on,
        and their ends stand in the history. A step or a function: it is given the
        :class:`BranchOutcome` of each.
    :raises WorkflowDefinitionError: for anything else.
    """
    thing = f"fan_out {name!r}" if name else "fan_out"
    first, second = check.branches(thing, required), check.branches(thing, optional)
    both = first.keys() & second.keys()
    if both or not (first or second):
        problem = f"has {', '.join(sorted(both))} twice" if both else "has no branches"
        raise WorkflowDefinitionError(
            thing=thing, problem=problem, expected="steps by name, each name once"
        )
    branches = {**first, **second}
    named = check.named(name or check.made("fan_out", tuple(branches.values())))
    rule = check.join(thing, join)
    if rule.needed is not None and rule.needed > len(branches):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"needs {rule.needed} of its {len(branches)} branches",
            expected="at most as many as there are",
        )
    keep = late is not None
    after = None if late is None or late == "keep" else _aside(thing, "late", f"{named}-late", late)
    return FanOut(
        name=named,
        options=_options(named, when, timeout, on_error),
        branches=branches,
        optional=frozenset(second),
        join=rule,
        late=after,
        keep_late=keep,
    )


def wait_for(
    event: str,
    takes_: type | None = None,
    *,
    name: str = "",
    timeout: float | None = None,
    on_error: Recover | Step | Who | None = None,
    when: Function | None = None,
) -> WaitFor:
    """Wait for an event from outside (``workflow.signal``); gives its value.

    Events that come earlier are kept.

    :param takes_: the type of the value; others are refused at the door.
    :param timeout: seconds, also while the process is down; then it fails.
    :raises WorkflowDefinitionError: for anything else.
    """
    named = check.named(name or event)
    if takes_ is not None and not isinstance(cast("object", takes_), type):
        raise WorkflowDefinitionError(
            thing=f"wait_for {event!r}", problem=f"takes {takes_!r}", expected="a type, or None"
        )
    options = _options(named, when, timeout, on_error)
    return WaitFor(name=named, options=options, event=check.named(event), takes=takes_)


def pause(
    seconds: float | Callable[..., float], *, name: str = "", when: Function | None = None
) -> Pause:
    """Hand the value on after so many seconds, counted also while the process is down.

    :param seconds: or a function of the value, asked once.
    :raises WorkflowDefinitionError: for anything else.
    """
    named = check.named(name or "pause")
    if callable(seconds):
        check.asks(f"pause {named!r}", seconds)
    else:
        check.seconds(f"pause {named!r}", "seconds", seconds)
    return Pause(name=named, options=_options(named, when, None, None), seconds=seconds)


# -- what they have in common ----------------------------------------------------------------


def _options(name: object, when: object, timeout: object, on_error: object) -> Options:
    thing = f"step {name!r}"
    if when is not None:
        check.asks(thing, when)
    found: Recover | None = None
    if isinstance(on_error, Recover):
        found = on_error
    elif on_error is not None:
        found = Recover(step=_aside(thing, "on_error", f"{name}-error", on_error))
    return Options(
        when=cast("Any", when),
        timeout=None if timeout is None else check.seconds(thing, "timeout", timeout),
        on_error=found,
    )


def _aside(thing: str, option: str, name: str, given: object) -> Step:
    if isinstance(given, Step):
        return given
    _check_who(thing, option, given)
    return step(name, cast("Who", given))


def _check_who(thing: str, option: str, given: object) -> None:
    """Name the step and its option, where ``step`` could only name what it is to be called."""
    also = {"on_error": ", a step, or recover(value)", "late": ', a step, or "keep"'}
    is_path = isinstance(given, str) and given.startswith("/")
    if not (callable(given) or is_path or is_participant(given)):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has {option}={shown(given)}",
            expected=f'a function, a ref, a path "/...", ask(...) or a workflow'
            f"{also.get(option, ', or one step')}",
        )


def _undo(name: str, given: object) -> Action:
    if isinstance(given, Action):
        if any(isinstance(each, Action) and each.compensate is not None for each in given.walk()):
            raise WorkflowDefinitionError(
                thing=f"step {name!r}",
                problem="has a compensation that has one itself",
                expected="a compensation that is tried until it is done",
            )
        return given
    if isinstance(given, Step):
        raise WorkflowDefinitionError(
            thing=f"step {name!r}",
            problem=f"has the {given.kind} {given.name!r} as its compensation",
            expected="one action: a participant, or step(...)",
        )
    _check_who(f"step {name!r}", "compensate", given)
    return step(f"undo {name}", cast("Who", given), retry=UNDO_RETRY)
