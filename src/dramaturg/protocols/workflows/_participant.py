"""Who does what a step says: a function, an actor, or another workflow."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, get_args, get_origin

from dramaturg.actors import Actor, ActorRef, GoneError, PlainRequest, Request, reply_type
from dramaturg.actors._handler import enclosing_names
from dramaturg.protocols.workflows._errors import WorkflowDefinitionError, shown

if TYPE_CHECKING:
    from dramaturg.actors import ActorSystem
    from dramaturg.protocols.workflows._step import Function

__all__ = ["Ask", "Call", "Participant", "ask", "is_participant", "participant", "takes"]


@dataclass(frozen=True, slots=True)
class Call:
    """What a function or a request may want to know beside its value: a second parameter.

    ``key`` is the idempotency key: the same for every attempt at this step of this instance, and
    never that of another. ``result("reserve")`` is the result of an earlier step.
    """

    instance: str
    address: str
    key: str
    attempt: int
    input: Any
    """What the workflow was started with."""
    results: Mapping[str, Any]
    """Results by address."""
    undoes: str | None = None
    """In a compensation: the key of the action that it undoes."""
    undone: Any = None
    """In a compensation: that action's result; None if it is not known to have one."""
    restarts: int = 0
    """How often this attempt was made before by a process that has ended meanwhile."""

    def result(self, name: str, default: Any = None) -> Any:
        """Return the result of an earlier step: the nearest of that name, going outwards."""
        prefix = self.address
        while prefix:
            prefix = prefix.rpartition("/")[0]
            found = f"{prefix}/{name}" if prefix else name
            if found in self.results:
                return self.results[found]
        return default


class Participant(Protocol):
    """Whoever can be called upon."""

    @property
    def label(self) -> str:
        """What to call it in diagrams."""
        ...

    @property
    def gives(self) -> Any:
        """The annotated type of its results; None if it has none."""
        ...

    async def act(self, system: ActorSystem, value: Any, call: Call, timeout: float | None) -> Any:
        """Do it."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A function, ``async def`` or ``def``."""

    function: Callable[..., Any]
    wants_call: bool

    @property
    def label(self) -> str:
        """Its name."""
        return getattr(self.function, "__qualname__", type(self.function).__name__).rpartition(".")[
            2
        ]

    @property
    def gives(self) -> Any:
        """What it is annotated to return."""
        function: Any = inspect.unwrap(self.function)
        if not inspect.isroutine(function):
            function = type(function).__call__
        try:
            hints = typing.get_type_hints(function, localns=enclosing_names(function))
        except Exception:  # noqa: BLE001 - then its type has to be registered by hand
            return None
        return hints.get("return")

    async def act(self, system: ActorSystem, value: Any, call: Call, timeout: float | None) -> Any:  # noqa: ARG002
        """Call it."""
        result = self.function(value, call) if self.wants_call else self.function(value)
        return await result if inspect.isawaitable(result) else result


@dataclass(frozen=True, slots=True)
class Ask:
    """An actor that is sent a request; see :func:`ask`."""

    target: str | ActorRef[Any]
    request: Callable[..., Any] | None
    wants_call: bool
    gives: Any = None
    """What the request promises."""
    asks: type | None = None
    """The request's class, if that is known."""

    @property
    def label(self) -> str:
        """The actor's path."""
        return self.target if isinstance(self.target, str) else self.target.path

    async def act(self, system: ActorSystem, value: Any, call: Call, timeout: float | None) -> Any:
        """Send the request and wait for the answer."""
        ref = self.find(system)
        message = value
        if self.request is not None:
            message = self.request(value, call) if self.wants_call else self.request(value)
        return await ref.request(message, timeout=timeout)

    def find(self, system: ActorSystem) -> ActorRef[Any]:
        """Return the actor.

        :raises UnknownParticipantError: if none lives there.
        """
        if not isinstance(self.target, str):
            return self.target
        found = system.lookup(self.target)
        if found is None:
            raise UnknownParticipantError(path=self.target)
        return found


class UnknownParticipantError(GoneError):
    """No actor lives at the path that a step names."""

    def __init__(self, *, path: str) -> None:
        self.path = path
        super().__init__(f"no actor lives at {path}")


def ask(target: str | ActorRef[Any], request: Function | type[Request[Any]] | None = None) -> Ask:
    """Make a participant of an actor: a step sends it a request and takes its answer.

    :param target: its path, looked up at each attempt; or its ref.
    :param request: makes the request from the step's value, and from its :class:`Call` if it
        takes two parameters: ``lambda order, call: Reserve(key=call.key, sku=order.sku)``; or
        a request class with one field; None: the value is the request.
    :raises WorkflowDefinitionError: if it is neither.
    """
    is_path = isinstance(target, str) and target.startswith("/")
    if not is_path and not isinstance(target, ActorRef):
        raise WorkflowDefinitionError(
            thing="ask",
            problem=f"has the target {shown(target)}",
            expected='a ref, or a path "/..."',
        )
    if request is None:
        return Ask(target, None, wants_call=False)
    if _is_request(request):
        return _of_one_field(target, cast("Any", request))
    make = cast("Function", request)
    wants_call = takes("ask", make) > 1
    if inspect.iscoroutinefunction(make):
        raise WorkflowDefinitionError(
            thing="ask",
            problem=f"makes its request by the coroutine function {_named(make)}",
            expected="a plain function that returns the request",
        )
    made = Plain(make, wants_call).gives
    if not _is_request(made):
        return Ask(target, make, wants_call, _plainly_promised(made))
    return Ask(target, make, wants_call, reply_type(made), made)


def _is_request(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, Request)


def _plainly_promised(cls: object) -> Any:
    """Return the reply type of a request that is no model; None if nothing is promised."""
    for each in cls.__mro__ if isinstance(cls, type) else ():
        for base in vars(each).get("__orig_bases__", ()):
            if get_origin(base) is PlainRequest:
                (promised,) = get_args(base)
                return None if isinstance(promised, TypeVar) else promised
    return None


def _of_one_field(target: str | ActorRef[Any], request: type[Request[Any]]) -> Ask:
    """Make a participant that wraps the value in a request."""
    fields = list(request.model_fields)
    if len(fields) != 1:
        raise WorkflowDefinitionError(
            thing=f"ask({request.__qualname__})",
            problem=f"has the fields {', '.join(fields) or '(none)'}",
            expected="one field, or a function that makes the request from the value",
        )

    def make(value: Any) -> Any:
        return request(**{fields[0]: value})

    return Ask(target, make, wants_call=False, gives=reply_type(request), asks=request)


def takes(thing: str, function: object, most: int = 2) -> int:
    """Tell whether a function takes a value, or a value and a call.

    :raises WorkflowDefinitionError: if it takes neither.
    """
    expected = "a function of one parameter, the value" + (
        ", or of two, the value and the call" if most > 1 else ""
    )
    if not callable(function):
        problem = f"has {shown(function)}"
        raise WorkflowDefinitionError(thing=thing, problem=problem, expected=expected)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = [
        each
        for each in parameters
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    required = [each for each in positional if each.default is each.empty]
    more = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    needed_by_name = [
        each.name
        for each in parameters
        if each.kind is each.KEYWORD_ONLY and each.default is each.empty
    ]
    name = _named(function)
    if len(required) > most or (not positional and not more):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has {name}, which takes {len(required)} parameters",
            expected=expected,
        )
    if needed_by_name:
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has {name}, which needs {', '.join(needed_by_name)} by keyword",
            expected=expected,
        )
    return max(1, len(required))


def _named(function: object) -> str:
    return getattr(function, "__qualname__", shown(function))


def is_participant(given: object) -> bool:
    """Tell whether it can be called upon as it is: an actor's ref, or what knows how to act."""
    return isinstance(given, ActorRef) or inspect.iscoroutinefunction(getattr(given, "act", None))


def _is_actor_class(given: object) -> bool:
    return isinstance(given, type) and issubclass(given, Actor)


def participant(thing: str, given: object) -> Participant:
    """Return the participant that a step was given in one of several forms.

    :raises WorkflowDefinitionError: if it is none.
    """
    expected = 'an async function, a ref, a path "/...", ask(...) or a workflow'
    if isinstance(given, str) and not given.startswith("/"):
        problem = f"has the participant {shown(given)}"
        raise WorkflowDefinitionError(thing=thing, problem=problem, expected=expected)
    if _is_actor_class(given):
        raise WorkflowDefinitionError(
            thing=thing,
            problem=f"has the actor class {_named(given)} as its participant",
            expected=expected,
        )
    if isinstance(given, ActorRef | str):
        return ask(given)  # pyright: ignore[reportUnknownArgumentType]
    if is_participant(given):
        return cast("Participant", given)
    if callable(given):
        return Plain(given, takes(thing, given) > 1)
    raise WorkflowDefinitionError(
        thing=thing,
        problem=f"has the participant {shown(given)}",
        expected=expected,
    )
